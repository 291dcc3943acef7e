//! Addresses of the interfaces, asked of the kernel over a netlink socket (rtnetlink(7), RTM_GETADDR).
//!
//! `/proc` does not say which interface an IPv4 address belongs to, and `ip` may not be installed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use escadre_model::inventory::InterfaceAddress;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

const RTM_NEWADDR: u16 = 20;
const RTM_GETADDR: u16 = 22;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const NLM_F_REQUEST_DUMP: u16 = 0x301;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;

/// Interface index and address, as the kernel lists them; empty when it does not answer.
pub(super) fn addresses() -> Vec<(u32, InterfaceAddress)> {
    ask().unwrap_or_else(|error| {
        tracing::debug!(%error, "the kernel does not list addresses");
        Vec::new()
    })
}

fn ask() -> rustix::io::Result<Vec<(u32, InterfaceAddress)>> {
    let socket = rustix::net::socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        None,
    )?;
    let timeout = Some(std::time::Duration::from_secs(5));
    rustix::net::sockopt::set_socket_timeout(
        &socket,
        rustix::net::sockopt::Timeout::Recv,
        timeout,
    )?;
    rustix::net::send(&socket, &request(), SendFlags::empty())?;
    let mut found = Vec::new();
    let mut buffer = vec![0u8; 64 << 10];
    loop {
        let (received, _) = rustix::net::recv(&socket, buffer.as_mut_slice(), RecvFlags::empty())?;
        if received == 0 || parse(&buffer[..received], &mut found) {
            return Ok(found);
        }
    }
}

/// A header and an empty `ifaddrmsg`: all addresses of all interfaces.
fn request() -> [u8; 24] {
    let mut message = [0u8; 24];
    message[0..4].copy_from_slice(&24u32.to_ne_bytes());
    message[4..6].copy_from_slice(&RTM_GETADDR.to_ne_bytes());
    message[6..8].copy_from_slice(&NLM_F_REQUEST_DUMP.to_ne_bytes());
    message[8..12].copy_from_slice(&1u32.to_ne_bytes());
    message
}

/// Reads the messages of one datagram; true when the list is at its end.
fn parse(mut datagram: &[u8], found: &mut Vec<(u32, InterfaceAddress)>) -> bool {
    while let (Some(length), Some(kind)) = (u32_at(datagram, 0), u16_at(datagram, 4)) {
        let length = length as usize;
        let Some(body) = datagram.get(16..length) else {
            return true;
        };
        match kind {
            NLMSG_DONE | NLMSG_ERROR => return true,
            RTM_NEWADDR => found.extend(address(body)),
            _ => {}
        }
        datagram = datagram.get(align(length)..).unwrap_or_default();
    }
    false
}

/// `ifaddrmsg` (family, prefix, flags, scope, index), then attributes. IFA_LOCAL is the address on a point-to-point link.
fn address(body: &[u8]) -> Option<(u32, InterfaceAddress)> {
    let (family, prefix, index) = (*body.first()?, *body.get(1)?, u32_at(body, 4)?);
    let mut attributes = body.get(8..)?;
    let (mut local, mut peer) = (None, None);
    while let (Some(length), Some(kind)) = (u16_at(attributes, 0), u16_at(attributes, 2)) {
        let length = usize::from(length);
        let value = attributes.get(4..length)?;
        match kind {
            IFA_LOCAL => local = ip(family, value),
            IFA_ADDRESS => peer = ip(family, value),
            _ => {}
        }
        attributes = attributes.get(align(length)..).unwrap_or_default();
    }
    Some((
        index,
        InterfaceAddress {
            ip: local.or(peer)?,
            prefix,
        },
    ))
}

fn ip(family: u8, value: &[u8]) -> Option<IpAddr> {
    match family {
        AF_INET => <[u8; 4]>::try_from(value)
            .ok()
            .map(|bytes| Ipv4Addr::from(bytes).into()),
        AF_INET6 => <[u8; 16]>::try_from(value)
            .ok()
            .map(|bytes| Ipv6Addr::from(bytes).into()),
        _ => None,
    }
}

fn align(length: usize) -> usize {
    length.saturating_add(3) & !3
}

fn u32_at(bytes: &[u8], place: usize) -> Option<u32> {
    bytes
        .get(place..place + 4)?
        .try_into()
        .ok()
        .map(u32::from_ne_bytes)
}

fn u16_at(bytes: &[u8], place: usize) -> Option<u16> {
    bytes
        .get(place..place + 2)?
        .try_into()
        .ok()
        .map(u16::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_end(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            parse(&bytes, &mut Vec::new());
        }
    }

    #[test]
    fn loopback_is_always_there() {
        let loopback = InterfaceAddress {
            ip: Ipv4Addr::LOCALHOST.into(),
            prefix: 8,
        };
        assert!(addresses().iter().any(|(_, address)| *address == loopback));
    }
}
