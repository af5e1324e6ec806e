//! A file system that a test can fill.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::is_root;

/// A file system in memory, in a mount namespace of its own. It goes with this, or with the test's
/// process, whatever ends that.
pub struct SmallDisk {
    folder: TempDir,
    /// Keeps the namespace.
    holder: Child,
}

impl SmallDisk {
    /// Mounts one of this size, such as `4m`.
    pub fn mount(size: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder to mount it at");
        let shared = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(folder.path(), shared).expect("the test's own folder");
        let mut command = Command::new("unshare");
        if !is_root() {
            command.args(["--user", "--map-root-user"]);
        }
        let mut holder = command
            .args(["--mount", "sh", "-c"])
            .arg("mount -t tmpfs -o size=$1,mode=777 tmpfs \"$0\" && echo mounted && exec cat")
            .arg(folder.path())
            .arg(size)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("there is `unshare`, of util-linux");
        let mut line = String::new();
        let stdout = holder.stdout.as_mut().expect("its output is a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("UTF-8");
        if line != "mounted\n" {
            let mut reason = String::new();
            _ = holder.stderr.as_mut().expect("a pipe").read_to_string(&mut reason);
            panic!(
                "The tests of a full disk mount a file system of their own, which fails here: \
                 {reason}\nRun them as root with CAP_SYS_ADMIN (`docker run --cap-add SYS_ADMIN`), \
                 or where users may make namespaces (`sysctl kernel.unprivileged_userns_clone=1`)."
            );
        }
        Self { folder, holder }
    }

    /// Where it is for programs that run [`Self::inside`].
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The same program where the file system is. Its pipes and environment are to be set again.
    pub fn inside(&self, command: &Command) -> Command {
        let mut inside = Command::new("nsenter");
        inside.args(["--target", &self.holder.id().to_string(), "--mount"]);
        if !is_root() {
            inside.args(["--user", "--preserve-credentials"]);
        }
        inside.arg("--").arg(command.get_program()).args(command.get_args());
        inside
    }

    /// Takes all the room that is left.
    pub fn fill(&self) {
        let mut ballast = std::fs::File::create(self.ballast()).expect("a file on it");
        for size in [4096, 1] {
            while ballast.write_all(&vec![0; size]).is_ok() {}
        }
    }

    /// Gives back the room that [`Self::fill`] took.
    pub fn make_room(&self) {
        std::fs::remove_file(self.ballast()).expect("it was filled");
    }

    fn ballast(&self) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.holder.id()));
        let path = self.path().strip_prefix("/").expect("an absolute path");
        root.join(path).join("ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        _ = self.holder.kill();
        _ = self.holder.wait();
    }
}
