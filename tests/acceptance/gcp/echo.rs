//! A server that repeats what it was sent, token and all: nobody prints that.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use super::Stage;
use crate::harness::GoogleLogin;

/// The role that acts as an account.
const CREATOR: &str = "roles/iam.serviceAccountTokenCreator";

/// A server on loopback that refuses everything in Cloud Storage's own words, with the
/// authorization in them. Its address, and the authorizations so far.
fn echo() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let told = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&told);
    // It ends with the process.
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            if let Some(authorization) = answer(stream) {
                kept.lock().expect("a list").push(authorization);
            }
        }
    });
    (url, told)
}

/// Answers one request, and says what it was authorized by.
fn answer(stream: TcpStream) -> Option<String> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let (mut authorization, mut length) = (None, 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            if line.trim_end().is_empty() {
                break;
            }
            continue;
        };
        match name.to_ascii_lowercase().as_str() {
            "authorization" => authorization = Some(value.to_owned()),
            "content-length" => length = value.parse().ok()?,
            _ => {}
        }
    }
    std::io::copy(&mut reader.take(length), &mut std::io::sink()).ok()?;
    let said = authorization.clone().unwrap_or_default();
    let body = serde_json::json!({"error": {"code": 403,
        "message": format!("No {said} here."), "errors": [{"reason": "forbidden"}]}})
    .to_string();
    let head = format!(
        "HTTP/1.1 403 Forbidden\r\ncontent-type: application/json\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = stream;
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body.as_bytes()).ok()?;
    authorization
}

#[test]
fn a_token_that_a_server_repeats_is_not_printed() {
    let mut stage = Stage::alone("gcp-echo", simulator::gcs::Config::default());
    let cloud = stage.login.cloud.clone();
    let caller = super::account(&stage, "ci");
    cloud.grant_account(&cloud.owner(), CREATOR, &super::member(&caller));
    let acting = GoogleLogin::with(cloud.clone(), &caller);
    let acting = acting.saying(&format!(
        "{}\nimpersonate_service_account = {:?}",
        acting.credentials,
        cloud.owner()
    ));
    stage.set("TF_LOG", "TRACE");
    let storage = format!("storage = {:?}", stage.login.url);
    for login in [stage.login.clone(), acting] {
        let (url, told) = echo();
        let provider = stage.provider_on(&login, "");
        let echoing = provider.replace(&storage, &format!("storage = {url:?}"));
        assert_ne!(provider, echoing);
        stage.write_under(&echoing, &stage.bucket_block("verify = \"settings\"", ""));
        let text = stage.apply_fails();
        assert!(text.contains("No Bearer"), "{text}");
        let told = told.lock().expect("a list").clone();
        assert!(!told.is_empty());
        for authorization in told {
            let token = authorization.strip_prefix("Bearer ").expect("a token");
            assert!(token.len() > 20);
            assert!(!text.contains(token), "a token is printed");
        }
    }
}
