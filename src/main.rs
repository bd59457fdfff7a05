//! The `leveret` binary.

use leveret::server::Server;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    tracing_subscriber::fmt().init();
    let server = Server::builder().listen_everywhere(5672).start()?;
    tracing::info!(addresses = ?server.addresses(), "ready");
    tokio::signal::ctrl_c().await?;
    server.stop().await;
    Ok(())
}
