//! News of interfaces and addresses of a namespace: the kernel's rtnetlink groups, rtnetlink(7).

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, socket,
};

use super::LinksError;
use super::inside::inside;

/// `RTMGRP_LINK`, `RTMGRP_IPV4_IFADDR` and `RTMGRP_IPV6_IFADDR`.
const GROUPS: u32 = 0x1 | 0x10 | 0x100;

/// A message is read only to make room; what it says is looked up anew.
const BUFFER_BYTES: usize = 8 << 10;

/// Messages taken before whoever waits is told, so that a storm cannot keep it waiting.
const BURST: usize = 4_096;

/// How long is waited for news at most, so that whoever waits can see to its end.
const PATIENCE_MS: u16 = 200;

/// A subscription. It belongs to the namespace in which it was made, whatever thread reads it.
#[derive(Debug)]
pub(crate) struct LinkEvents {
    socket: OwnedFd,
}

impl LinkEvents {
    /// Subscribes to the news of a namespace; without one, of the caller's.
    pub(crate) fn subscribe(namespace: Option<&Path>) -> Result<Self, LinksError> {
        let socket = inside(namespace, open)?.map_err(|source| LinksError::Kernel {
            operation: "subscribe to the news of network interfaces",
            source,
        })?;
        Ok(Self { socket })
    }

    /// Waits a while; whether anything has changed. Changes that the kernel had no room to tell are changes too.
    pub(crate) fn changed(&mut self) -> Result<bool, LinksError> {
        let unreadable = |errno: Errno| LinksError::Kernel {
            operation: "read the news of network interfaces",
            source: errno.into(),
        };
        let mut waiting = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        match poll(&mut waiting, PollTimeout::from(PATIENCE_MS)) {
            Ok(0) | Err(Errno::EINTR) => Ok(false),
            Ok(_) => take(&self.socket).map_err(unreadable),
            Err(errno) => Err(unreadable(errno)),
        }
    }
}

fn open() -> io::Result<OwnedFd> {
    let socket = socket(
        AddressFamily::Netlink,
        SockType::Raw,
        SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
        SockProtocol::NetlinkRoute,
    )?;
    bind(socket.as_raw_fd(), &NetlinkAddr::new(0, GROUPS))?;
    Ok(socket)
}

/// Takes what is there; whether there was anything.
fn take(socket: &OwnedFd) -> Result<bool, Errno> {
    let mut buffer = [0; BUFFER_BYTES];
    for taken in 0..BURST {
        match recv(socket.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
            // The kernel dropped messages: something has changed, and it is not known what.
            Ok(_) | Err(Errno::ENOBUFS | Errno::EINTR) => {}
            Err(Errno::EAGAIN) => return Ok(taken > 0),
            Err(errno) => return Err(errno),
        }
    }
    Ok(true)
}
