//! Bytes from one socket to another without a look at them: `splice(2)`, which needs a pipe between both. The kernel hands
//! its pages over; nothing is copied into this process.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::net::{SendFlags, send};
use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};

/// What a pipe may hold: the most that the kernel gives to everybody (`fs.pipe-max-size`). It is counted in pages, so that
/// a segment in small pieces does not fill it before it is there.
const PIPE_BYTES: usize = 1 << 20;

/// Pipes at once. A pipe is taken only while bytes are in it, so a few carry many bodies. Sixteen are a quarter of what a
/// user may have in large pipes (`fs.pipe-user-pages-soft`, 64 MiB), and the FFmpegs need theirs. Bodies that get none are
/// copied.
const MOST_PIPES: usize = 16;

/// The pipes of a run.
#[derive(Debug, Default)]
pub struct Pipes(Mutex<Store>);

#[derive(Debug, Default)]
struct Store {
    idle: Vec<Ends>,
    lent: usize,
}

#[derive(Debug)]
struct Ends {
    read: OwnedFd,
    write: OwnedFd,
}

/// A pipe on loan, empty at first. Given back when it is dropped; one with something in it is closed instead.
#[derive(Debug)]
pub struct Pipe {
    pipes: Arc<Pipes>,
    ends: Option<Ends>,
    held: usize,
}

impl Pipes {
    /// A pipe, if there is one left.
    pub fn lend(self: &Arc<Self>) -> Option<Pipe> {
        let mut store = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if store.lent == MOST_PIPES {
            return None;
        }
        let ends = store.idle.pop().or_else(|| Ends::new().ok())?;
        store.lent += 1;
        Some(Pipe { pipes: Arc::clone(self), ends: Some(ends), held: 0 })
    }
}

impl Ends {
    fn new() -> io::Result<Self> {
        let (read, write) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        // One that stays small works too.
        fcntl_setpipe_size(&write, PIPE_BYTES).unwrap_or_default();
        Ok(Self { read, write })
    }
}

impl Pipe {
    /// How many bytes are in it.
    pub fn held(&self) -> usize {
        self.held
    }

    /// Moves at most so many bytes out of a socket into it; 0 when nothing more will come. Only while it is empty, so that
    /// "would block" always speaks of the socket.
    pub fn fill(&mut self, socket: impl AsFd, most_bytes: u64) -> io::Result<usize> {
        let Some(ends) = &self.ends else { return Ok(0) };
        let most = usize::try_from(most_bytes).unwrap_or(usize::MAX).min(PIPE_BYTES);
        let moved = splice(socket, None, &ends.write, None, most, flags())?;
        self.held += moved;
        Ok(moved)
    }

    /// Writes bytes that stand before those that it holds. The socket keeps them for a moment, so that they are no message
    /// of their own, which would wake the reader twice.
    pub fn send_before(&self, socket: impl AsFd, bytes: &[u8]) -> io::Result<usize> {
        let more = if self.held == 0 { SendFlags::empty() } else { SendFlags::MORE };
        Ok(send(socket, bytes, SendFlags::NOSIGNAL | more)?)
    }

    /// Moves what it holds into a socket, as far as that takes it.
    pub fn empty(&mut self, socket: impl AsFd) -> io::Result<usize> {
        let Some(ends) = &self.ends else { return Ok(0) };
        let moved = splice(&ends.read, None, socket, None, self.held, flags())?;
        self.held -= moved;
        Ok(moved)
    }
}

fn flags() -> SpliceFlags {
    SpliceFlags::MOVE | SpliceFlags::NONBLOCK
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let mut store = self.pipes.0.lock().unwrap_or_else(PoisonError::into_inner);
        store.lent -= 1;
        if self.held == 0
            && let Some(ends) = self.ends.take()
        {
            store.idle.push(ends);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn bytes_go_through_and_only_an_empty_pipe_is_used_again() {
        let pipes = Arc::new(Pipes::default());
        let (mut from, into) = UnixStream::pair().unwrap();
        let (out, mut to) = UnixStream::pair().unwrap();
        from.write_all(b"hello and more").unwrap();
        let mut pipe = pipes.lend().unwrap();
        assert_eq!((pipe.fill(&into, 5).unwrap(), pipe.held()), (5, 5));
        assert_eq!((pipe.empty(&out).unwrap(), pipe.held()), (5, 0));
        let mut seen = [0; 5];
        to.read_exact(&mut seen).unwrap();
        assert_eq!(&seen, b"hello");
        drop(pipe);
        assert_eq!(pipes.0.lock().unwrap().idle.len(), 1);
        let mut pipe = pipes.lend().unwrap();
        pipe.fill(&into, 5).unwrap();
        drop(pipe);
        assert!(pipes.0.lock().unwrap().idle.is_empty());
    }

    #[test]
    fn there_are_only_so_many() {
        let pipes = Arc::new(Pipes::default());
        let lent: Vec<_> = std::iter::from_fn(|| pipes.lend()).take(MOST_PIPES + 1).collect();
        assert_eq!(lent.len(), MOST_PIPES);
        drop(lent);
        assert!(pipes.lend().is_some());
    }
}
