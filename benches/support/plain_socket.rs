//! What sending costs at least, as one would write it with axum: a route that hands ready-made
//! frames to all who are connected.

use std::time::Duration;

use axum::Router;
use axum::extract::ws::{Message, Utf8Bytes, WebSocketUpgrade};
use axum::routing::get;
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio::sync::broadcast;

use super::Failure;

/// Serves `/graphql` for ever, where frames of this many bytes come at this interval.
pub async fn serve(bytes: usize, interval: Duration) -> Result<(), Failure> {
    let frame = Utf8Bytes::from("x".repeat(bytes));
    let (sender, _) = broadcast::channel(16);
    let frames = sender.clone();
    let route = get(async move |upgrade: WebSocketUpgrade| {
        let mut frames: broadcast::Receiver<Utf8Bytes> = frames.subscribe();
        upgrade.on_upgrade(async move |mut socket| {
            // Who is behind misses some, and is none the worse for it here.
            loop {
                match frames.recv().await {
                    Ok(frame) => {
                        if socket.send(Message::Text(frame)).await.is_err() {
                            return;
                        }
                    }
                    Err(broadcast::error::RecvError::Closed) => return,
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                }
            }
        })
    });
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(interval);
        loop {
            ticks.tick().await;
            // There may be no subscriber yet.
            _ = sender.send(frame.clone());
        }
    });
    let listener = listener.tap_io(|stream| _ = stream.set_nodelay(true));
    axum::serve(listener, Router::new().route("/graphql", route)).await?;
    Ok(())
}
