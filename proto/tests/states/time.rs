//! Time, moved by hand.

use std::time::Duration;

use leveret_proto::code::ReplyCode;
use leveret_proto::connection::{Config, Timeout};
use leveret_proto::exception::Exception;

use crate::fuzz_bodies::peer::{Peer, Stage, handshake};
use crate::fuzz_bodies::wire::frame;

const HEARTBEAT: [u8; 8] = [8, 0, 0, 0, 0, 0, 0, 0xCE];

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn with_heartbeat(heartbeat: u16) -> Peer {
    let config = Config {
        heartbeat,
        ..Config::default()
    };
    Peer::running(config, &[1])
}

#[test]
fn a_heartbeat_goes_out_after_half_the_time() {
    let mut peer = with_heartbeat(60);
    assert_eq!(peer.machine.poll_timeout(), Some(peer.now + secs(30)));
    assert_eq!(peer.pass(secs(29)), Timeout::None);
    assert_eq!(peer.pass(secs(1)), Timeout::SentHeartbeat);
    assert_eq!(peer.take_out(), HEARTBEAT);
    assert_eq!(peer.machine.poll_timeout(), Some(peer.now + secs(30)));
}

#[test]
fn what_is_sent_stands_for_a_heartbeat() {
    let mut peer = with_heartbeat(60);
    assert_eq!(peer.pass(secs(20)), Timeout::None);
    peer.machine.on_bytes_sent(peer.now);
    assert_eq!(peer.pass(secs(20)), Timeout::None);
    assert_eq!(peer.pass(secs(10)), Timeout::SentHeartbeat);
}

#[test]
fn twice_the_time_in_silence_ends_it() {
    let mut peer = with_heartbeat(4);
    for _ in 0..3 {
        assert_eq!(peer.pass(secs(2)), Timeout::SentHeartbeat);
    }
    assert_eq!(peer.pass(Duration::from_millis(1999)), Timeout::None);
    assert_eq!(peer.pass(Duration::from_millis(1)), Timeout::PeerSilent);
}

#[test]
fn anything_received_is_a_sign_of_life() {
    for sign in [&HEARTBEAT[..], &frame(1, 1, &[0, 90, 0, 10])[..], &[1]] {
        let mut peer = with_heartbeat(4);
        peer.pass(secs(7));
        peer.feed(sign);
        assert_eq!(peer.pass(secs(7)), Timeout::SentHeartbeat);
        assert_eq!(peer.pass(secs(1)), Timeout::PeerSilent);
    }
}

#[test]
fn without_heartbeats_nothing_is_due() {
    let mut peer = with_heartbeat(0);
    assert_eq!(peer.machine.poll_timeout(), None);
    assert_eq!(peer.pass(secs(1_000_000)), Timeout::None);
    peer.machine.on_bytes_sent(peer.now);
    assert_eq!(peer.machine.poll_timeout(), None);
}

#[test]
fn the_handshake_has_one_deadline() {
    for steps in 0..4 {
        let config = Config {
            heartbeat: 0,
            ..Config::default()
        };
        let mut peer = Peer::new(config);
        for step in &handshake(&peer.config)[..steps] {
            peer.feed(step);
            peer.pass(secs(2));
        }
        let rest = 10 - 2 * steps as u64;
        assert_eq!(peer.machine.poll_timeout(), Some(peer.now + secs(rest)));
        assert_eq!(peer.pass(secs(rest)), Timeout::HandshakeExpired);
    }
}

#[test]
fn a_client_that_does_not_answer_our_close_is_cut_off() {
    let mut peer = with_heartbeat(0);
    peer.close(&Exception::new(ReplyCode::CONNECTION_FORCED, "bye"));
    assert_eq!(peer.pass(secs(9)), Timeout::None);
    peer.feed(&frame(1, 1, &[0, 90, 0, 10]));
    assert_eq!(peer.pass(secs(1)), Timeout::CloseExpired);
}

#[test]
fn a_client_that_closed_but_keeps_its_socket_is_cut_off() {
    let mut peer = with_heartbeat(60);
    peer.feed(&frame(1, 0, &[0, 10, 0, 50, 0, 200, 0, 0, 0, 0, 0]));
    assert_eq!(peer.stage, Stage::Closing);
    assert_eq!(peer.take_out(), frame(1, 0, &[0, 10, 0, 51]));
    assert_eq!(peer.pass(secs(10)), Timeout::CloseExpired);
}
