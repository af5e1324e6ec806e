//! WebSockets of clients that are told apart by their headers, for tests of what a server refuses.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Error;

use super::{PROTOCOL, Socket, TestServer};

/// Connects to the server, with these headers as well.
pub async fn connect(
    server: &TestServer,
    headers: &[(&'static str, &str)],
) -> Result<Socket, Error> {
    let headers = [&[("sec-websocket-protocol", PROTOCOL)], headers].concat();
    Ok(Socket::connect_with(&server.url, &headers).await?.0)
}

/// Connects, and sends one operation. Returns the answer to it.
pub async fn ask(server: &TestServer, payload: &Value) -> Value {
    let mut socket = connect(server, &[]).await.expect("it connects");
    socket.send(json!({ "type": "connection_init" })).await;
    socket.send(json!({ "type": "subscribe", "id": "1", "payload": payload })).await;
    loop {
        let message = socket.next().await;
        if message["id"] == "1" {
            return message;
        }
    }
}
