//! Poppler's programs, run apart: fed through a pipe, read through a pipe, killed when they cost too much.
//!
//! A PDF is never written to disk and no shell is involved: the program reads it from its standard input, with
//! an empty environment, in a process group of its own. It gets its first byte only after its limits are set,
//! so nothing that a file says runs without them. Dropping a [`Run`] kills the whole group and reaps the
//! program, whatever became of it.

use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::error::BookError;
use crate::limits::Meter;

/// So much of what a program complains about is kept, bytes; the rest is read and dropped.
const COMPLAINT_BYTES: usize = 8 << 10;
/// So much is moved between two looks at the limits, bytes.
const CHUNK_BYTES: usize = 64 << 10;
/// A program that closed its output has so long to end.
const ENDING: Duration = Duration::from_secs(2);

/// A program at work on a file. Reading from it gives the program's output.
pub(super) struct Run<'b> {
    child: Child,
    /// What is left of the file to feed.
    input: &'b [u8],
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
    stderr: Option<ChildStderr>,
    complaint: Vec<u8>,
    deadline: Instant,
    read_bytes: u64,
    output_bytes: u64,
    stopped: Option<Stop>,
}

/// Why a program was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    Time,
    Output,
}

impl<'b> Run<'b> {
    /// Starts `program` with `arguments` on a file.
    pub fn start(program: &Path, arguments: &[&str], input: &'b [u8], meter: &Meter<'_>) -> Result<Self, BookError> {
        let mut child = Command::new(program)
            .args(arguments)
            .env_clear()
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|_| missing(program))?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) else {
            stop_group(&mut child);
            return Err(missing(program));
        };
        let run = Self {
            child,
            input,
            stdin: Some(stdin),
            stdout,
            stderr: Some(stderr),
            complaint: Vec::new(),
            deadline: Instant::now() + meter.remaining(),
            read_bytes: 0,
            output_bytes: meter.limits.pdf_output_bytes,
            stopped: None,
        };
        let limited = limit(&run.child, meter)
            .and_then(|()| run.stdin.as_ref().map_or(Ok(()), |pipe| rustix::io::ioctl_fionbio(pipe, true)));
        limited.map_err(|_| missing(program))?;
        Ok(run)
    }

    /// Waits for the end, and tells why the program failed if it did.
    pub fn finish(mut self, meter: &Meter<'_>) -> Result<Vec<u8>, BookError> {
        let mut rest = [0; 4096];
        while self.stopped.is_none() && self.read(&mut rest).is_ok_and(|count| count > 0) {}
        let status = if self.stopped.is_some() { None } else { self.wait() };
        match (self.stopped, status) {
            (Some(Stop::Output), _) => Err(BookError::PdfOutputTooLarge { limit_bytes: meter.limits.pdf_output_bytes }),
            (Some(Stop::Time), _) | (None, None) => Err(BookError::Timeout { limit_s: meter.limits.time.as_secs() }),
            (None, Some(status)) if status.success() => Ok(std::mem::take(&mut self.complaint)),
            (None, Some(_)) => Err(self.verdict(meter)),
        }
    }

    /// What the program's last words mean.
    fn verdict(&self, meter: &Meter<'_>) -> BookError {
        let complaint = String::from_utf8_lossy(&self.complaint);
        if complaint.contains("Incorrect password") {
            return BookError::Encrypted;
        }
        if ["Out of memory", "memory exhausted", "bad_alloc", "cannot allocate", "Cannot allocate"]
            .iter()
            .any(|w| complaint.contains(w))
        {
            return BookError::PdfTooHungry { limit_bytes: meter.limits.pdf_memory_bytes };
        }
        BookError::Damaged { part: "its pages".to_owned() }
    }

    fn wait(&mut self) -> Option<ExitStatus> {
        let until = self.deadline.min(Instant::now() + ENDING);
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) if Instant::now() < until => std::thread::sleep(Duration::from_millis(2)),
                _ => return None,
            }
        }
    }

    /// Waits until a pipe moves; feeds the program and takes its complaints. `true` once there is output, or the
    /// end of it.
    fn pump(&mut self) -> io::Result<bool> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            self.stopped = Some(Stop::Time);
            return Err(io::ErrorKind::TimedOut.into());
        }
        let [output, complaint, input] = self.ready(left)?;
        if complaint {
            self.take_complaint();
        }
        if input {
            self.feed();
        }
        Ok(output)
    }

    /// Which of output, complaints and input can move.
    fn ready(&self, left: Duration) -> io::Result<[bool; 3]> {
        let mut fds = vec![PollFd::new(&self.stdout, PollFlags::IN)];
        fds.extend(self.stderr.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        fds.extend(self.stdin.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::OUT)));
        let timeout = Timespec { tv_sec: left.as_secs().min(60) as i64, tv_nsec: left.subsec_nanos().into() };
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut moved = fds.iter().map(|fd| !fd.revents().is_empty());
        let output = moved.next().unwrap_or(false);
        let complaint = self.stderr.is_some() && moved.next().unwrap_or(false);
        let input = self.stdin.is_some() && moved.next().unwrap_or(false);
        Ok([output, complaint, input])
    }

    fn feed(&mut self) {
        let Some(pipe) = &mut self.stdin else { return };
        match pipe.write(&self.input[..self.input.len().min(CHUNK_BYTES)]) {
            Ok(count) => self.input = &self.input[count..],
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            // It stopped listening; its exit status tells why.
            Err(_) => self.input = &[],
        }
        if self.input.is_empty() {
            self.stdin = None;
        }
    }

    fn take_complaint(&mut self) {
        let mut chunk = [0; 4096];
        match self.stderr.as_mut().map(|pipe| pipe.read(&mut chunk)) {
            Some(Ok(count)) if count > 0 => {
                let room = COMPLAINT_BYTES.saturating_sub(self.complaint.len());
                self.complaint.extend_from_slice(&chunk[..count.min(room)]);
            }
            _ => self.stderr = None,
        }
    }
}

impl Read for Run<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stopped.is_some() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        while !self.pump()? {}
        let count = self.stdout.read(buffer)?;
        self.read_bytes += count as u64;
        if self.read_bytes > self.output_bytes {
            self.stopped = Some(Stop::Output);
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(count)
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        stop_group(&mut self.child);
    }
}

/// Kills a program with all that it started, and reaps it.
fn stop_group(child: &mut Child) {
    // The group's number is not given anew while its leader has not been reaped; a finished group is no error.
    let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
    let _ = child.wait();
}

/// Bounds what a program may use, from outside and before it is fed. Elsewhere than on Linux only time, pages
/// and output are bounded.
#[cfg(target_os = "linux")]
fn limit(child: &Child, meter: &Meter<'_>) -> rustix::io::Result<()> {
    use rustix::process::{Resource, Rlimit, prlimit};

    let set = |resource, most| {
        let limit = Rlimit { current: Some(most), maximum: Some(most) };
        match prlimit(Some(Pid::from_child(child)), resource, limit) {
            // It ended already: its exit status tells more.
            Err(rustix::io::Errno::SRCH) => Ok(()),
            other => other.map(drop),
        }
    };
    set(Resource::As, meter.limits.pdf_memory_bytes)?;
    // Ends it even if this process is killed and can't.
    set(Resource::Cpu, meter.limits.time.as_secs() + 1)?;
    set(Resource::Fsize, 0)?;
    set(Resource::Core, 0)?;
    set(Resource::Nofile, 64)
}

#[cfg(not(target_os = "linux"))]
fn limit(_: &Child, _: &Meter<'_>) -> rustix::io::Result<()> {
    Ok(())
}

pub(super) fn missing(program: &Path) -> BookError {
    BookError::PdfReaderMissing { program: program.display().to_string() }
}
