//! A client over a real socket, for tests with threads of their own.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, mpsc};
use std::thread;

use leveret::broker::Broker;
use leveret::server::Builder;
use tokio::sync::oneshot;

/// A method frame's bytes.
pub(crate) fn method(channel: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![1];
    frame.extend(channel.to_be_bytes());
    frame.extend(u32::try_from(payload.len()).unwrap().to_be_bytes());
    frame.extend(payload);
    frame.push(0xCE);
    frame
}

/// Read one frame: its channel and payload.
pub(crate) fn read_frame(stream: &mut TcpStream) -> (u16, Vec<u8>) {
    let mut head = [0; 7];
    stream.read_exact(&mut head).unwrap();
    let size = u32::from_be_bytes([head[3], head[4], head[5], head[6]]) as usize;
    let mut rest = vec![0; size + 1];
    stream.read_exact(&mut rest).unwrap();
    assert_eq!(rest.pop(), Some(0xCE));
    (u16::from_be_bytes([head[1], head[2]]), rest)
}

pub(crate) fn logged_in(port: u16) -> TcpStream {
    let start_ok = b"\0\x0a\0\x0b\0\0\0\0\x05PLAIN\0\0\0\x0c\0guest\0guest\x05en_US";
    logged_in_with(port, start_ok)
}

pub(crate) fn logged_in_with(port: u16, start_ok: &[u8]) -> TcpStream {
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

/// A server of its own, in a thread of its own, for a test that talks to it from this one.
pub(crate) fn with(builder: Builder, test: impl FnOnce(u16, &Arc<Broker>)) {
    let (tell, told) = mpsc::channel();
    let (stop, stopped) = oneshot::channel::<()>();
    let thread = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let server = builder.start().unwrap();
            let broker = Arc::clone(&server.shared().broker);
            tell.send((server.port(), broker)).unwrap();
            // It ends when the test does, however that ends.
            let _ = stopped.await;
            server.stop().await;
        });
    });
    let (port, broker) = told.recv().unwrap();
    test(port, &broker);
    drop(stop);
    thread.join().unwrap();
}
