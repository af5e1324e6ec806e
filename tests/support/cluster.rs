//! A PostgreSQL server of a test's own, which can be stopped without harm to others.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use tempfile::TempDir;

use super::{SmallDisk, is_root};

/// Stopped and removed when it is dropped.
pub struct Cluster {
    folder: TempDir,
    /// Where its programs run, if not here.
    disk: Option<Arc<SmallDisk>>,
    programs: PathBuf,
    port: u16,
    /// PostgreSQL refuses to run as root.
    is_root: bool,
}

impl Cluster {
    pub fn start() -> Self {
        Self::start_in(None)
    }

    /// Starts one that sees this file system too, for tablespaces.
    pub fn start_with(disk: Arc<SmallDisk>) -> Self {
        Self::start_in(Some(disk))
    }

    fn start_in(disk: Option<Arc<SmallDisk>>) -> Self {
        let cluster = Self::empty(disk);
        let data = cluster.data().display().to_string();
        cluster.run("initdb", &["-D", &data, "-A", "trust", "-U", "postgres", "-N"]);
        cluster.control("start");
        cluster
    }

    fn empty(disk: Option<Arc<SmallDisk>>) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the cluster");
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a free port")
            .port();
        let is_root = is_root();
        if is_root {
            let owned = Command::new("chown").arg("postgres").arg(folder.path()).status();
            assert!(owned.expect("there is `chown`").success(), "there is a user postgres");
        }
        Self { folder, disk, programs: programs(), port, is_root }
    }

    /// Starts a standby that follows this server.
    pub fn standby(&self) -> Self {
        let standby = Self::empty(None);
        let (data, port) = (standby.data().display().to_string(), self.port.to_string());
        let from = ["-h", "127.0.0.1", "-p", &port, "-U", "postgres"];
        let how = ["-D", &data, "-R", "-X", "stream", "-c", "fast"];
        standby.run("pg_basebackup", &[from.as_slice(), &how].concat());
        standby.control("start");
        standby
    }

    /// Makes a standby take writes.
    pub fn promote(&self) {
        let data = self.data().display().to_string();
        self.run("pg_ctl", &["-D", &data, "-w", "promote"]);
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A URL of its database `postgres`.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// An empty folder on its disk, for a tablespace.
    pub fn tablespace(&self) -> PathBuf {
        let disk = self.disk.as_ref().expect("it was started with a disk");
        let folder = disk.path().join("tablespace");
        self.run("/bin/mkdir", &[&folder.display().to_string()]);
        folder
    }

    /// Kills it as a crash would, and starts it again.
    pub fn crash(&self) {
        self.control("stop");
    }

    pub fn start_again(&self) {
        self.control("start");
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn control(&self, action: &str) {
        let data = self.data().display().to_string();
        let log = self.folder.path().join("log").display().to_string();
        let folder = self.folder.path().display();
        let options = format!("-p {} -c listen_addresses=127.0.0.1 -k {folder}", self.port);
        match action {
            "start" => {
                self.run("pg_ctl", &["-D", &data, "-l", &log, "-o", &options, "-w", "start"]);
            }
            _ => {
                self.run("pg_ctl", &["-D", &data, "-m", "immediate", "-w", "stop"]);
            }
        }
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Output {
        let path = self.programs.join(program);
        let mut command = if self.is_root {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(path);
            command
        } else {
            Command::new(path)
        };
        command.args(arguments);
        if let Some(disk) = &self.disk {
            command = disk.inside(&command);
        }
        // What it starts must not hold the test's own output open.
        let output = command
            .current_dir(self.folder.path())
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .output()
            .expect("the program runs");
        assert!(output.status.success(), "{program} {arguments:?}: {output:?}");
        output
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let data = self.data().display().to_string();
        let mut command = Command::new(if self.is_root { "runuser" } else { "true" });
        if self.is_root {
            command.args(["-u", "postgres", "--"]).arg(self.programs.join("pg_ctl"));
        } else {
            command = Command::new(self.programs.join("pg_ctl"));
        }
        // It may be stopped already.
        _ = command.args(["-D", &data, "-m", "immediate", "-w", "stop"]).output();
    }
}

/// Where the server's programs are.
fn programs() -> PathBuf {
    let mut folders: Vec<_> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.flatten().map(|entry| entry.path().join("bin")).collect())
        .unwrap_or_default();
    folders.sort();
    if let Ok(output) = Command::new("pg_config").arg("--bindir").output() {
        folders.push(Path::new(String::from_utf8_lossy(&output.stdout).trim()).to_owned());
    }
    let found = folders.into_iter().rev().find(|folder| folder.join("initdb").is_file());
    found.expect(
        "The tests need PostgreSQL's server programs (initdb, pg_ctl). Install them, for example \
         with `apt-get install postgresql`, or put pg_config on the PATH.",
    )
}
