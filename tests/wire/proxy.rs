//! The PROXY protocol in front of AMQP.

use leveret::server::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::frames;

#[tokio::test]
async fn the_client_that_the_balancer_names_is_shown() {
    let server = Server::builder().proxy_protocol(true).start().unwrap();
    let mut stream = TcpStream::connect(server.addresses()[0]).await.unwrap();
    let said = b"PROXY TCP4 127.0.0.9 127.0.0.8 40000 5672\r\n";
    let all = [
        &said[..],
        &frames::log_in(0).concat(),
        &frames::open_channel(1),
    ]
    .concat();
    stream.write_all(&all).await.unwrap();
    // channel.open-ok is the last answer.
    let mut read = Vec::new();
    while !read.ends_with(b"\0\x14\0\x0b\0\0\0\0\xce") {
        assert_ne!(stream.read_buf(&mut read).await.unwrap(), 0);
    }
    let connections = server.shared().broker.connections.snapshot();
    let name = connections[0].name.as_str();
    let expected = format!("127.0.0.9:40000 -> 127.0.0.1:{}", server.port());
    assert_eq!(name, expected);
}

#[tokio::test]
async fn who_does_not_say_it_is_not_served() {
    let server = Server::builder().proxy_protocol(true).start().unwrap();
    let mut stream = TcpStream::connect(server.addresses()[0]).await.unwrap();
    stream.write_all(frames::PROTOCOL_HEADER).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(answer.is_empty(), "{answer:?}");
}

#[tokio::test(start_paused = true)]
async fn the_header_has_its_time() {
    let server = Server::builder().proxy_protocol(true).start().unwrap();
    let begun = tokio::time::Instant::now();
    let mut stream = TcpStream::connect(server.addresses()[0]).await.unwrap();
    stream.write_all(b"PROXY ").await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let took = begun.elapsed().as_secs();
    assert!((9..=11).contains(&took) && answer.is_empty(), "{took}");
}
