//! The program itself.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};

/// What a run of the program said.
#[derive(Debug)]
pub struct Output {
    /// Its exit code; -1 if a signal ended it.
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    /// The output of a run that worked.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{self:#?}");
        self
    }
}

/// Runs the program to its end, with this standard input.
pub fn agent_jobs(arguments: &[&str], input: &[u8]) -> Output {
    let mut program = Program::start(arguments);
    let mut stdin = program.stdin.take().expect("its input is a pipe");
    let input = input.to_vec();
    // From a thread of its own: the program may print more than a pipe holds before it reads.
    let writer = std::thread::spawn(move || _ = stdin.write_all(&input));
    let output = program.output();
    writer.join().expect("writing its input");
    output
}

/// The program while it runs. It is killed when this is dropped.
pub struct Program {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    stderr: BufReader<ChildStderr>,
}

impl Program {
    pub fn start(arguments: &[&str]) -> Self {
        Self::spawn(&mut command(arguments)).expect("the program starts")
    }

    pub fn spawn(command: &mut Command) -> std::io::Result<Self> {
        let mut child = command.spawn()?;
        Ok(Self {
            stdin: child.stdin.take(),
            stdout: BufReader::new(child.stdout.take().expect("its output is a pipe")),
            stderr: BufReader::new(child.stderr.take().expect("its error output is a pipe")),
            child,
        })
    }

    /// Starts a command that serves, such as `serve` or `demo`, and waits until it does. Returns
    /// where, too.
    pub fn serve(command: &str, database_url: &str) -> (Self, String) {
        Self::serve_with(command, database_url, &[])
    }

    /// The same with more options.
    pub fn serve_with(command: &str, database_url: &str, options: &[&str]) -> (Self, String) {
        Self::serve_at("127.0.0.1:0", command, database_url, options)
    }

    /// The same on an address of the caller's.
    pub fn serve_at(
        address: &str,
        command: &str,
        database_url: &str,
        options: &[&str],
    ) -> (Self, String) {
        let arguments = [command, "--listen", address, "--database-url", database_url];
        let mut program = Self::start(&[&arguments, options].concat());
        let url = program.address();
        (program, url)
    }

    /// Waits until it serves, and tells where.
    pub fn address(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("UTF-8");
        if let Some(url) = line.trim_end().strip_prefix("agent-jobs is listening on ") {
            return url.to_owned();
        }
        let mut stderr = String::new();
        _ = self.stderr.read_to_string(&mut stderr);
        panic!("{line:?} {stderr}")
    }

    /// The process's memory that is in use, in bytes.
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("the process runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
        let kilobytes = line.trim().trim_end_matches(" kB");
        1024 * kilobytes.parse::<u64>().expect("a number")
    }

    /// Writes to its standard input, which stays open.
    pub fn write(&mut self, input: &[u8]) {
        self.stdin.as_mut().expect("its input is open").write_all(input).expect("it reads");
    }

    /// The next line of its output, without the end; `None` when it has ended.
    pub fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let n = self.stdout.read_line(&mut line).expect("UTF-8");
        (n > 0).then(|| line.trim_end().to_owned())
    }

    /// The next line of its error output, without the end; `None` when it has ended.
    pub fn error_line(&mut self) -> Option<String> {
        let mut line = String::new();
        let n = self.stderr.read_line(&mut line).expect("UTF-8");
        (n > 0).then(|| line.trim_end().to_owned())
    }

    /// Sends it a signal, such as `TERM`, and waits for its end.
    pub fn signal(self, name: &str) -> Output {
        self.send_signal(name);
        self.output()
    }

    /// Sends it a signal, such as `STOP`, after which it goes on.
    pub fn send_signal(&self, name: &str) {
        let id = self.child.id();
        let sent = Command::new("sh").args(["-c", &format!("kill -{name} {id}")]).status();
        assert!(sent.expect("there is a shell").success(), "the program runs");
    }

    /// Waits for its end. Returns what it has printed since it was last looked at.
    pub fn output(mut self) -> Output {
        self.stdin = None;
        let (mut stdout, mut stderr) = (String::new(), String::new());
        std::thread::scope(|scope| {
            scope.spawn(|| self.stderr.read_to_string(&mut stderr).expect("UTF-8"));
            self.stdout.read_to_string(&mut stdout).expect("UTF-8");
        });
        let status = self.child.wait().expect("the program ends");
        Output { code: status.code().unwrap_or(-1), stdout, stderr }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// The program with these arguments, and pipes to it.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_agent-jobs"));
    command.args(arguments);
    piped(command)
}

/// A way to run the program, with pipes to it.
pub fn piped(mut command: Command) -> Command {
    command
        .env_remove("DATABASE_URL")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}
