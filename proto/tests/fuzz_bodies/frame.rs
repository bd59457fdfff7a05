//! Target `frame`: any bytes, to a connection in any state, in any pieces. However they are cut,
//! the same happens.

use leveret_proto::connection::Config;

use super::peer::{Peer, Seen, Stage, handshake};
use super::source::Source;

/// The first byte picks the state, the second where the bytes are cut.
pub(crate) fn run(input: &[u8]) {
    let mut source = Source(input);
    let (state, pieces) = (source.u8(), source.u8());
    let bytes = source.0;
    let whole = seen(state, [bytes]);
    let single = seen(state, bytes.chunks(1));
    assert_eq!(whole, single);
    let pieces = seen(state, bytes.chunks(usize::from(pieces).max(1)));
    assert_eq!(whole, pieces);
}

/// A connection in the state of that number.
pub(crate) fn in_state(state: u8) -> Peer {
    let config = Config {
        message_bytes_max: 300,
        channel_max: 4,
        frame_max: if state & 0x40 == 0 { 8192 } else { 65_536 },
        long_body_is_frame_error: state & 0x80 == 0,
        ..Config::default()
    };
    let steps = usize::from(state % 8);
    if steps < 4 {
        let mut peer = Peer::new(config);
        let greetings = handshake(&peer.config);
        greetings[..steps].iter().for_each(|step| peer.feed(step));
        peer.seen.clear();
        return peer;
    }
    let mut peer = Peer::running(config, &[1, 2, 300]);
    match steps {
        5 => peer.close_channel(2),
        6 => peer.close(&leveret_proto::exception::Exception::new(
            leveret_proto::code::ReplyCode::CONNECTION_FORCED,
            "bye",
        )),
        _ => {}
    }
    peer
}

fn seen<'a>(state: u8, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Seen> {
    let mut peer = in_state(state);
    for piece in pieces {
        peer.feed(piece);
        peer.take_out();
        // Where a frame ended wrongly the next begins anywhere: what comes depends on the cut.
        if peer.is_lost || peer.stage == Stage::Gone {
            break;
        }
    }
    let lost = peer
        .seen
        .iter()
        .position(|it| matches!(it, Seen::Refused(text) if text.contains("ReplyCode(501)")));
    peer.seen.truncate(lost.map_or(usize::MAX, |at| at + 1));
    peer.seen
}
