//! The counting proxy, between a plain client and small servers of the test.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{any, get, put};
use simulator::proxy::{Cut, Options, Proxy, Reply};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::client;
use crate::minio::Minio;

/// A server that counts what it carries out.
async fn upstream() -> (SocketAddr, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    let echo = move |body: Bytes| {
        counted.fetch_add(1, Ordering::Relaxed);
        async move { body }
    };
    let host = |headers: HeaderMap| async move { headers["host"].to_str().unwrap().to_owned() };
    let app = Router::new()
        .route("/echo", put(echo))
        .route("/host", get(host))
        .route("/empty", any(|| async { StatusCode::NO_CONTENT }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    (address, count)
}

async fn start(upstream: SocketAddr) -> Proxy {
    Proxy::start(upstream, Options::default()).await.unwrap()
}

/// The requests as `METHOD target status`.
fn seen(proxy: &Proxy) -> Vec<String> {
    let requests = proxy.requests().into_iter();
    requests
        .map(|one| {
            let status = one
                .status
                .map_or_else(|| "-".to_owned(), |code| code.to_string());
            format!("{} {} {status}", one.method, one.target)
        })
        .collect()
}

#[tokio::test]
async fn requests_pass_unchanged_and_are_counted() {
    let (address, _) = upstream().await;
    let proxy = start(address).await;
    let http = client();
    let url = proxy.url();
    let host = http
        .get(format!("{url}/host?a=b%20c"))
        .send()
        .await
        .unwrap();
    assert_eq!(host.text().await.unwrap(), proxy.address().to_string());
    let large = vec![b'x'; 1 << 20];
    let echo = http.put(format!("{url}/echo")).body(large.clone());
    let echo = echo.send().await.unwrap();
    assert_eq!(echo.bytes().await.unwrap(), large);
    let head = http.head(format!("{url}/host")).send().await.unwrap();
    assert_eq!(head.status(), 200);
    let empty = http.delete(format!("{url}/empty")).send().await.unwrap();
    assert_eq!(empty.status(), 204);
    let lost = http.get(format!("{url}/none")).send().await.unwrap();
    assert_eq!(lost.status(), 404);
    assert_eq!(
        seen(&proxy),
        [
            "GET /host?a=b%20c 200",
            "PUT /echo 200",
            "HEAD /host 200",
            "DELETE /empty 204",
            "GET /none 404"
        ]
    );
    proxy.clear();
    assert!(proxy.requests().is_empty());
}

/// A server that gives one canned answer per connection, after the request's head.
async fn canned(answers: &'static [&'static str]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut bytes = Vec::new();
            while !bytes.ends_with(b"\r\n\r\n") {
                bytes.push(stream.read_u8().await.unwrap());
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    address
}

#[tokio::test]
async fn answers_of_every_framing_pass() {
    let address = canned(&[
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nT: v\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\nuntil the end",
        "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok",
    ])
    .await;
    let proxy = start(address).await;
    for (status, expected) in [(200, "hello world"), (200, "until the end"), (201, "ok")] {
        let answer = client().get(proxy.url()).send().await.unwrap();
        assert_eq!(answer.status(), status);
        assert_eq!(answer.text().await.unwrap(), expected);
    }
    assert_eq!(seen(&proxy), ["GET / 200", "GET / 200", "GET / 201"]);
}

#[tokio::test]
async fn chunked_requests_and_expectations_pass() {
    let (address, count) = upstream().await;
    let proxy = start(address).await;
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    let head = "PUT /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\
        Expect: 100-continue\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(stream.read_u8().await.unwrap());
    }
    assert!(bytes.starts_with(b"HTTP/1.1 100 Continue"));
    stream.write_all(b"5\r\nhello\r\n0\r\n\r\n").await.unwrap();
    let next = "GET /host HTTP/1.1\r\nHost: second\r\nConnection: close\r\n\r\n";
    stream.write_all(next.as_bytes()).await.unwrap();
    let mut rest = String::new();
    stream.read_to_string(&mut rest).await.unwrap();
    assert!(rest.starts_with("HTTP/1.1 200 OK"), "{rest}");
    assert!(rest.contains("hello") && rest.ends_with("second"), "{rest}");
    assert_eq!(count.load(Ordering::Relaxed), 1);
    assert_eq!(seen(&proxy), ["PUT /echo 200", "GET /host 200"]);
}

#[tokio::test]
async fn connections_are_cut_before_or_after_the_work() {
    let (address, count) = upstream().await;
    let proxy = start(address).await;
    let echo = || {
        client()
            .put(format!("{}/echo", proxy.url()))
            .body("x")
            .send()
    };
    proxy.cut_at(1, Cut::Before);
    proxy.cut_at(3, Cut::After);
    assert!(echo().await.is_err());
    assert_eq!(count.load(Ordering::Relaxed), 0);
    assert_eq!(echo().await.unwrap().status(), 200);
    assert!(echo().await.is_err());
    assert_eq!(count.load(Ordering::Relaxed), 2);
    assert_eq!(echo().await.unwrap().status(), 200);
    assert_eq!(
        seen(&proxy),
        [
            "PUT /echo -",
            "PUT /echo 200",
            "PUT /echo 200",
            "PUT /echo 200"
        ]
    );
}

#[tokio::test]
async fn requests_are_answered_in_place_of_the_upstream() {
    let (address, count) = upstream().await;
    let proxy = start(address).await;
    let reply = Reply {
        status: 503,
        headers: vec![("x-amz-request-id", "R1".to_owned())],
        body: "<Error/>".to_owned(),
    };
    proxy.reply(1, reply.clone(), |seen| seen.action == "CreateKey");
    proxy.reply(2, reply, |seen| {
        seen.method == "PUT" && seen.target.contains('?')
    });
    let http = client();
    let put = |target: &str| http.put(format!("{}{target}", proxy.url())).body("x");
    let form = |text: &'static str| {
        put("/echo")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(text)
    };
    let json = put("/echo").header("x-amz-target", "TrentService.CreateKey");
    let answer = json.send().await.unwrap();
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()["x-amz-request-id"], "R1");
    assert_eq!(answer.text().await.unwrap(), "<Error/>");
    let passed = form("Version=1&Action=CreateKey").send().await.unwrap();
    assert_eq!(passed.text().await.unwrap(), "Version=1&Action=CreateKey");
    for expected in [503, 503, 200] {
        let answer = put("/echo?policy").send().await.unwrap();
        assert_eq!(answer.status(), expected);
    }
    assert_eq!(count.load(Ordering::Relaxed), 2);
    let actions: Vec<String> = proxy.requests().into_iter().map(|one| one.action).collect();
    assert_eq!(actions, ["CreateKey", "CreateKey", "", "", ""]);
}

#[tokio::test]
async fn a_process_dies_right_before_its_request_is_carried_out() {
    let (address, count) = upstream().await;
    let proxy = start(address).await;
    let mut victim = Command::new("sleep")
        .arg("600")
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let ran = Arc::new(AtomicBool::new(false));
    let running = ran.clone();
    proxy.kill_at(2, victim.id());
    proxy.run_at(2, move || running.store(true, Ordering::Relaxed));
    let echo = || {
        client()
            .put(format!("{}/echo", proxy.url()))
            .body("x")
            .send()
    };
    echo().await.unwrap();
    assert!(victim.try_wait().unwrap().is_none());
    assert!(!ran.load(Ordering::Relaxed));
    echo().await.unwrap();
    assert!(!victim.wait().unwrap().success());
    assert!(ran.load(Ordering::Relaxed));
    assert_eq!(count.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn an_upstream_that_hangs_up_is_no_lost_request() {
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let address = canned(&["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"]).await;
    let proxy = start(address).await;
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    let request = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut got = String::new();
    // Ends only when the proxy hangs up too, although nothing asked it to.
    stream.read_to_string(&mut got).await.unwrap();
    assert_eq!(got, answer);
}

#[tokio::test]
async fn every_request_is_delayed() {
    let (address, _) = upstream().await;
    let delay = Duration::from_millis(100);
    let proxy = Proxy::start(address, Options { delay }).await.unwrap();
    let http = client();
    let start = Instant::now();
    for _ in 0..2 {
        let url = format!("{}/host", proxy.url());
        http.get(url).send().await.unwrap().text().await.unwrap();
    }
    assert!(start.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn signatures_made_for_the_proxy_are_taken() {
    let minio = Minio::start().await;
    minio.create_bucket("team-bucket").await;
    let proxy = start(minio.address).await;
    let behind = minio.behind(proxy.address());
    let listing = behind.listing("team-bucket").await;
    assert!(listing.contains("<Name>team-bucket</Name>"), "{listing}");
    assert_eq!(proxy.requests()[0].status, Some(200));
}
