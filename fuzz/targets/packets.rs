//! Any bytes: a packet or a named refusal. What is a packet is one again when it is written and read.
#![no_main]

use datatracks::packet::{Packet, decode, set_handle};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(packet) = decode(bytes) else { return };
    let mut written = Vec::new();
    packet.header.encode(&mut written);
    assert_eq!(written.len(), packet.header.extensions.header_len());
    written.extend_from_slice(packet.payload);
    assert_eq!(decode(&written), Ok(packet));
    let Packet { mut header, payload } = packet;
    header.handle = 0xFFFF.try_into().unwrap();
    set_handle(&mut written, header.handle).unwrap();
    assert_eq!(decode(&written), Ok(Packet { header, payload }));
});
