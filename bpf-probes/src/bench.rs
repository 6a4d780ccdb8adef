//! For benches only, never attached: gives a made-up TCP packet another source port at each run, then runs a program on it.

use aya_ebpf::{
    macros::{classifier, map},
    maps::ProgramArray,
    programs::TcContext,
};

use crate::action::NEXT;

/// The program that is measured.
#[map]
static MEASURED: ProgramArray = ProgramArray::with_max_entries(1, 0);

/// Source port behind Ethernet and an IPv4 header without options.
const PORT_AT_IPV4: usize = 34;
/// Source port behind Ethernet and IPv6.
const PORT_AT_IPV6: usize = 54;

/// Passes every packet on: what the others cost is measured above this.
#[classifier]
pub fn empty(_context: TcContext) -> i32 {
    NEXT
}

/// Moves on to the next port, in an order that visits all 65,536 and in which neighbours are far apart.
#[classifier]
pub fn vary(context: TcContext) -> i32 {
    let (start, end) = (context.data(), context.data_end());
    if start + PORT_AT_IPV6 + 2 <= end {
        // SAFETY: in bounds, checked just above.
        let port = unsafe {
            let ethertype = u16::from_be(*((start + 12) as *const u16));
            let offset = if ethertype == 0x86dd {
                PORT_AT_IPV6
            } else {
                PORT_AT_IPV4
            };
            &mut *((start + offset) as *mut u16)
        };
        *port = port.wrapping_mul(25_173).wrapping_add(13_849);
    }
    // SAFETY: the context is the one that this program was given. If the slot is empty the packet passes.
    unsafe { MEASURED.tail_call(&context, 0) };
    NEXT
}
