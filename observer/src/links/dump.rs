//! The links of this namespace, from the kernel (rtnetlink, `RTM_GETLINK`): rtnetlink(7), netlink(7).

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, recv, sendto, socket,
};

use super::LinksError;

/// One interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// Its number in its namespace.
    pub(crate) ifindex: u32,
    /// Its name.
    pub(crate) name: String,
    /// Its kind, such as `veth` or `bridge`; empty for hardware.
    pub(crate) kind: String,
    /// `IFLA_LINK`: for a veth the number of its other end, in that one's namespace; 0 without.
    pub(crate) peer: u32,
}

impl Link {
    /// The number of the other end, if this is a veth.
    pub(crate) fn veth_peer(&self) -> Option<u32> {
        (self.kind == "veth" && self.peer != 0).then_some(self.peer)
    }
}

const RTM_NEWLINK: u16 = 16;
const RTM_GETLINK: u16 = 18;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
/// `NLM_F_REQUEST | NLM_F_DUMP`.
const REQUEST_DUMP: u16 = 0x301;
/// `NLM_F_DUMP_INTR`: the list changed while it was told, so that links may be missing.
const INTERRUPTED: u16 = 0x10;
const IFLA_IFNAME: u16 = 3;
const IFLA_LINK: u16 = 5;
const IFLA_LINKINFO: u16 = 18;
const IFLA_INFO_KIND: u16 = 1;
/// `struct nlmsghdr`.
const HEADER_BYTES: usize = 16;
/// `struct ifinfomsg`.
const LINK_BYTES: usize = 16;
/// The kernel sends at most 32 KiB at once to those who ask for less (netlink_dump).
const BUFFER_BYTES: usize = 64 << 10;
/// Answers read at most: far more than 65,536 links need.
const ANSWERS: usize = 65_536;
/// Lists asked for until one was not interrupted.
const TRIES: usize = 8;

/// All links of the namespace of this thread.
pub(super) fn links() -> Result<Vec<Link>, LinksError> {
    let interrupted = |dumped: &io::Result<_>| {
        let error = dumped.as_ref().err().map(io::Error::kind);
        error == Some(io::ErrorKind::Interrupted)
    };
    let mut dumped = dump();
    for _ in 1..TRIES {
        if !interrupted(&dumped) {
            break;
        }
        dumped = dump();
    }
    dumped.map_err(|source| LinksError::Kernel {
        operation: "list the network interfaces",
        source,
    })
}

fn dump() -> io::Result<Vec<Link>> {
    let socket: OwnedFd = socket(
        AddressFamily::Netlink,
        SockType::Raw,
        SockFlag::SOCK_CLOEXEC,
        SockProtocol::NetlinkRoute,
    )?;
    let kernel = NetlinkAddr::new(0, 0);
    sendto(socket.as_raw_fd(), &request(), &kernel, MsgFlags::empty())?;
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut links = Vec::new();
    for _ in 0..ANSWERS {
        let length = recv(socket.as_raw_fd(), &mut buffer, MsgFlags::empty())?;
        if read_answer(buffer.get(..length).unwrap_or_default(), &mut links)? {
            return Ok(links);
        }
    }
    Err(io::Error::other("the list of interfaces does not end"))
}

fn request() -> [u8; HEADER_BYTES + LINK_BYTES] {
    let mut request = [0; HEADER_BYTES + LINK_BYTES];
    let length = request.len() as u32;
    request[..4].copy_from_slice(&length.to_ne_bytes());
    request[4..6].copy_from_slice(&RTM_GETLINK.to_ne_bytes());
    request[6..8].copy_from_slice(&REQUEST_DUMP.to_ne_bytes());
    request
}

/// Takes the messages of one answer; whether it was the last.
fn read_answer(mut rest: &[u8], links: &mut Vec<Link>) -> io::Result<bool> {
    while let Some((kind, flags, body)) = next_message(&mut rest) {
        if flags & INTERRUPTED != 0 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        match kind {
            NLMSG_DONE => return Ok(true),
            NLMSG_ERROR => {
                let code = number(body).cast_signed();
                return Err(io::Error::from_raw_os_error(code.saturating_neg()));
            }
            RTM_NEWLINK => links.extend(read_link(body)),
            _ => {}
        }
    }
    Ok(false)
}

/// Type, flags and body.
fn next_message<'a>(rest: &mut &'a [u8]) -> Option<(u16, u16, &'a [u8])> {
    let length = number(rest) as usize;
    let (kind, flags) = (half(rest.get(4..)?), half(rest.get(6..)?));
    let body = rest.get(HEADER_BYTES..length)?;
    *rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    Some((kind, flags, body))
}

fn read_link(body: &[u8]) -> Option<Link> {
    let mut link = Link {
        ifindex: number(body.get(4..)?),
        name: String::new(),
        kind: String::new(),
        peer: 0,
    };
    for (kind, value) in attributes(body.get(LINK_BYTES..)?) {
        match kind {
            IFLA_IFNAME => link.name = text(value),
            IFLA_LINK => link.peer = number(value),
            IFLA_LINKINFO => {
                let mut information = attributes(value);
                if let Some((_, kind)) = information.find(|(kind, _)| *kind == IFLA_INFO_KIND) {
                    link.kind = text(kind);
                }
            }
            _ => {}
        }
    }
    (!link.name.is_empty()).then_some(link)
}

/// The attributes (`struct rtattr`) of a message.
fn attributes(mut rest: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let length = usize::from(half(rest.get(..4)?));
        let kind = half(rest.get(2..)?) & 0x3fff;
        let value = rest.get(4..length)?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    })
}

/// A C string.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0);
    String::from_utf8_lossy(&bytes[..end.unwrap_or(bytes.len())]).into_owned()
}

fn number(bytes: &[u8]) -> u32 {
    bytes
        .first_chunk()
        .map_or(0, |chunk| u32::from_ne_bytes(*chunk))
}

fn half(bytes: &[u8]) -> u16 {
    bytes
        .first_chunk()
        .map_or(0, |chunk| u16::from_ne_bytes(*chunk))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An attribute, padded.
    fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend((value.len() as u16 + 4).to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn message(kind: u16, body: &[u8]) -> Vec<u8> {
        let mut bytes = (body.len() as u32 + 16).to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.resize(HEADER_BYTES, 0);
        bytes.extend(body);
        bytes
    }

    fn link_body(attributes: &[Vec<u8>]) -> Vec<u8> {
        let mut body = vec![0; LINK_BYTES];
        body[4..8].copy_from_slice(&9u32.to_ne_bytes());
        body.extend(attributes.concat());
        body
    }

    #[test]
    fn a_link_is_read_and_truncation_never_panics() {
        let information = attribute(IFLA_LINKINFO, &attribute(IFLA_INFO_KIND, b"veth\0"));
        let body = link_body(&[
            attribute(IFLA_IFNAME, b"ab\0"),
            attribute(77, b"zzzzz"),
            attribute(IFLA_LINK, &4u32.to_ne_bytes()),
            information,
        ]);
        let answer = [message(RTM_NEWLINK, &body), message(NLMSG_DONE, &[0; 4])].concat();
        let mut links = Vec::new();
        assert!(read_answer(&answer, &mut links).unwrap());
        let expect = Link {
            ifindex: 9,
            name: "ab".to_owned(),
            kind: "veth".to_owned(),
            peer: 4,
        };
        assert_eq!(links, [expect]);
        for length in 0..answer.len() {
            let mut links = Vec::new();
            assert!(!read_answer(&answer[..length], &mut links).unwrap_or(true));
        }
    }

    #[test]
    fn an_error_is_the_kernels() {
        let answer = message(NLMSG_ERROR, &(-1i32).to_ne_bytes());
        let error = read_answer(&answer, &mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    }

    #[test]
    fn a_list_that_changed_meanwhile_is_not_used() {
        let mut answer = message(NLMSG_DONE, &[0; 4]);
        answer[6..8].copy_from_slice(&(INTERRUPTED | 2).to_ne_bytes());
        let error = read_answer(&answer, &mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Interrupted);
    }
}
