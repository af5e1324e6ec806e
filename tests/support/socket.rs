//! A client of the WebSocket protocol, for tests of what a server refuses.

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::TestServer;

pub type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Connects to the server, with these headers as well.
pub async fn connect(
    server: &TestServer,
    headers: &[(&'static str, &str)],
) -> Result<Socket, tungstenite::Error> {
    let url = format!("{}/graphql", server.url.replace("http", "ws"));
    let mut request = url.into_client_request()?;
    let mut add = |name: &'static str, value: &str| {
        request.headers_mut().append(name, value.parse().expect("a header's value"));
    };
    add("sec-websocket-protocol", "graphql-transport-ws");
    for (name, value) in headers {
        add(name, value);
    }
    Ok(connect_async(request).await?.0)
}

/// Connects, and sends one operation. Returns the answer to it.
pub async fn ask(server: &TestServer, payload: &Value) -> Value {
    let mut socket = connect(server, &[]).await.expect("it connects");
    for message in [
        json!({ "type": "connection_init" }),
        json!({ "type": "subscribe", "id": "1", "payload": payload }),
    ] {
        socket.send(Message::text(message.to_string())).await.expect("it reads");
    }
    loop {
        let message = socket.next().await.expect("an answer").expect("a message");
        let Message::Text(text) = message else { continue };
        let message: Value = serde_json::from_str(&text).expect("JSON");
        if message["id"] == "1" {
            return message;
        }
    }
}
