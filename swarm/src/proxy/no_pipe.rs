//! Where the kernel cannot move bytes from socket to socket there are no pipes, and every body is copied.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

/// None.
#[derive(Debug, Default)]
pub struct Pipes;

/// Does not exist.
#[derive(Debug)]
pub struct Pipe(Infallible);

impl Pipes {
    /// There is none.
    pub fn lend(self: &Arc<Self>) -> Option<Pipe> {
        None
    }
}

impl Pipe {
    /// How many bytes are in it.
    pub fn held(&self) -> usize {
        match self.0 {}
    }

    /// Moves bytes out of a socket into it.
    pub fn fill<S>(&mut self, _socket: S, _most_bytes: u64) -> io::Result<usize> {
        match self.0 {}
    }

    /// Writes bytes that stand before those that it holds.
    pub fn send_before<S>(&self, _socket: S, _bytes: &[u8]) -> io::Result<usize> {
        match self.0 {}
    }

    /// Moves bytes out of it into a socket.
    pub fn empty<S>(&mut self, _socket: S) -> io::Result<usize> {
        match self.0 {}
    }
}
