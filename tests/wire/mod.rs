//! The whole server over a socket, with raw frames.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use leveret::broker::Broker;
use leveret::server::{Builder, Server};

mod alarm;

/// A method frame's bytes.
fn method(channel: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![1];
    frame.extend(channel.to_be_bytes());
    frame.extend(u32::try_from(payload.len()).unwrap().to_be_bytes());
    frame.extend(payload);
    frame.push(0xCE);
    frame
}

/// Read one frame: its channel and payload.
fn read_frame(stream: &mut TcpStream) -> (u16, Vec<u8>) {
    let mut head = [0; 7];
    stream.read_exact(&mut head).unwrap();
    let size = u32::from_be_bytes([head[3], head[4], head[5], head[6]]) as usize;
    let mut rest = vec![0; size + 1];
    stream.read_exact(&mut rest).unwrap();
    assert_eq!(rest.pop(), Some(0xCE));
    (u16::from_be_bytes([head[1], head[2]]), rest)
}

fn logged_in(port: u16) -> TcpStream {
    let start_ok = b"\0\x0a\0\x0b\0\0\0\0\x05PLAIN\0\0\0\x0c\0guest\0guest\x05en_US";
    logged_in_with(port, start_ok)
}

fn logged_in_with(port: u16, start_ok: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(b"AMQP\0\0\x09\x01").unwrap();
    assert_eq!(
        read_frame(&mut stream).1[..4],
        [0, 10, 0, 10],
        "connection.start"
    );
    stream.write_all(&method(0, start_ok)).unwrap();
    assert_eq!(
        read_frame(&mut stream).1[..4],
        [0, 10, 0, 30],
        "connection.tune"
    );
    stream
        .write_all(&method(0, b"\0\x0a\0\x1f\x07\xff\0\x02\0\0\0\0"))
        .unwrap();
    stream
        .write_all(&method(0, b"\0\x0a\0\x28\x01/\0\0"))
        .unwrap();
    assert_eq!(
        read_frame(&mut stream).1[..4],
        [0, 10, 0, 41],
        "connection.open-ok"
    );
    stream
}

/// A server of its own for a test that talks to it from this thread.
fn with_server(test: impl FnOnce(u16)) {
    with(Server::builder(), |port, _| test(port));
}

fn with(builder: Builder, test: impl FnOnce(u16, &Arc<Broker>)) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let server = runtime.block_on(async { builder.start().unwrap() });
    test(server.port(), &server.shared().broker);
    runtime.block_on(server.stop());
}

#[test]
fn another_protocol_gets_our_header_and_the_socket_closes() {
    with_server(|port| {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\n").unwrap();
        let mut answer = [0; 8];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"AMQP\x03\x01\0\0");
    });
}

#[test]
fn garbage_closes_its_own_connection_only() {
    with_server(|port| {
        let mut good = logged_in(port);
        let mut bad = logged_in(port);
        bad.write_all(&method(7, b"\0\x32\0\x0a")).unwrap();
        assert_eq!(
            read_frame(&mut bad).1[..4],
            [0, 10, 0, 50],
            "connection.close"
        );
        good.write_all(&method(1, b"\0\x14\0\x0a\0")).unwrap();
        assert_eq!(
            read_frame(&mut good).1[..4],
            [0, 20, 0, 11],
            "channel.open-ok"
        );
    });
}

#[test]
fn a_missing_queue_closes_the_channel() {
    with_server(|port| {
        let mut stream = logged_in(port);
        stream.write_all(&method(1, b"\0\x14\0\x0a\0")).unwrap();
        read_frame(&mut stream);
        stream
            .write_all(&method(1, b"\0\x32\0\x0a\0\0\x01q\x01\0\0\0\0"))
            .unwrap();
        let (channel, close) = read_frame(&mut stream);
        assert_eq!((channel, &close[..6]), (1, &[0, 20, 0, 40, 1, 148][..]));
        let text = b"NOT_FOUND - no queue 'q' in vhost '/'";
        assert!(close.windows(text.len()).any(|window| window == text));
    });
}
