use super::*;
use std::io::{Read, Write};
use std::net::TcpListener;

/// Answers each connection with the next of `replies`, and returns the first line of each request.
fn serve(replies: Vec<String>) -> (String, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let answer = |reply: String| {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).unwrap();
            // The client may hang up on a reply that is too long.
            let _closed = stream.write_all(reply.as_bytes());
            let text = String::from_utf8_lossy(&request[..length]).into_owned();
            text.lines().next().unwrap_or_default().to_owned()
        };
        replies.into_iter().map(answer).collect()
    });
    (base, server)
}

fn reply(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n{body}")
}

#[test]
fn the_base_path_is_kept() {
    let (base, server) = serve(vec![reply("200 OK", "", "{}"), reply("404 Not Found", "", "no")]);
    let client = Client::new(&format!("{base}/farm?x=1#y")).unwrap();
    let answer = client.get("api/v3/version").unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b"{}"[..]));
    assert_eq!(client.get("api/v3/none").unwrap().status, 404);
    assert_eq!(server.join().unwrap()[0], "GET /farm/api/v3/version HTTP/1.1");
}

#[test]
fn redirects_stay_on_the_host() {
    let (base, server) = serve(vec![
        reply("302 Found", "Location: /moved\r\n", ""),
        reply("200 OK", "", "here"),
        reply("302 Found", "Location: http://localhost.invalid/\r\n", ""),
    ]);
    let client = Client::new(&base).unwrap();
    assert_eq!(client.get("x").unwrap().body, b"here");
    let error = client.get("x").unwrap_err();
    assert!(matches!(&error, HttpError::SentOn { to, .. } if to == "http://localhost.invalid/"), "{error}");
    assert_eq!(server.join().unwrap()[1], "GET /moved HTTP/1.1");
}

#[test]
fn long_and_broken_answers_are_errors() {
    let long = "x".repeat(1001);
    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc".to_owned();
    let (base, server) = serve(vec![reply("200 OK", "", &long), cut, "SSH-2.0-x\r\n".to_owned()]);
    let client = Client::new(&base).unwrap();
    let short = Request { limit: 1000, ..Request::get("x") };
    assert!(matches!(client.send(&short), Err(HttpError::TooLarge { .. })));
    assert!(matches!(client.get("x"), Err(HttpError::Broken { .. })));
    assert!(matches!(client.get("x"), Err(HttpError::HungUp { .. })));
    server.join().unwrap();
}

/// The answer says how long it will be: nothing of it is waited for.
#[test]
fn what_says_that_it_is_too_long_is_not_read() {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", MAX_BODY + 1);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _request = stream.read(&mut [0; 4096]).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        // Until the client hangs up: what should never come is not sent.
        let _closed = stream.read(&mut [0; 1]);
    });
    let access = Access { timeout: Some(Duration::from_secs(5)), ..Access::default() };
    let error = Client::with(&base, &access).unwrap().get("x").unwrap_err();
    assert!(matches!(error, HttpError::TooLarge { limit: MAX_BODY, .. }), "{error}");
    server.join().unwrap();
}

#[test]
fn nobody_there_is_said_without_the_password() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let client = Client::new(&format!("http://me:secret@127.0.0.1:{port}/f")).unwrap();
    let error = client.get("api/v3/version").unwrap_err().to_string();
    assert!(error.starts_with(&format!("http://127.0.0.1:{port}/f/api/v3/version cannot be reached")), "{error}");
    assert!(error.to_ascii_lowercase().contains("refused"), "{error}");
}

/// Whose door is closed: the proxy's, which is named without its password.
#[test]
fn a_proxy_that_is_not_there_is_named() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for base in ["http://127.0.0.1:1/f", "https://farm.invalid"] {
        let access = Access { proxy: Some(format!("http://me:secret@127.0.0.1:{port}")), ..Access::default() };
        let error = Client::with(base, &access).unwrap().get("x").unwrap_err();
        let words = error.to_string();
        assert!(words.contains(&format!("through the proxy http://127.0.0.1:{port}: ")), "{words}");
        assert!(words.contains(base) && !words.contains("secret"), "{words}");
        assert!(error.may_pass() && error.arrival() == Arrival::Never);
    }
}

#[test]
fn a_server_that_speaks_no_tls_is_told_from_one_that_is_not_there() {
    let (base, server) = serve(vec![reply("400 Bad Request", "", "plain HTTP\n")]);
    let error = Client::new(&base.replace("http://", "https://")).unwrap().get("x").unwrap_err();
    assert!(matches!(&error, HttpError::NoTls { .. }), "{error:?}");
    assert!(error.arrival() == Arrival::Never && !error.may_pass());
    server.join().unwrap();
}

#[test]
fn credentials_are_never_printed() {
    assert_eq!(without_credentials("http://me:secret@m:8080/x"), "http://m:8080/x");
    for same in ["local", "http://m:8080", "https://m/a@b", "", "me:secret"] {
        assert_eq!(without_credentials(same), same);
    }
}

#[test]
fn nobody_asks_as_two() {
    let secret = crate::base::secret::Secret::new("hush");
    let basic = Credentials::Basic { user: "ann".into(), password: secret.clone() };
    for credentials in [basic, Credentials::Bearer(secret)] {
        let access = Access { credentials: Some(credentials), ..Access::default() };
        let error = Client::with("http://me:secret@m:8080", &access).err().expect("two");
        assert!(matches!(error, HttpError::Setup { .. }) && !error.to_string().contains("secret"), "{error}");
        Client::with("http://m:8080", &access).unwrap();
    }
}

#[test]
fn other_addresses_are_refused() {
    for text in ["ftp://x/", "x", "", "http://", "file:///etc/passwd"] {
        assert!(matches!(Client::new(text), Err(HttpError::Address { .. })), "{text:?}");
    }
}

/// Answers one connection with `reply` and returns the whole request.
fn listen(reply: String) -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        let mut piece = [0; 4096];
        while !String::from_utf8_lossy(&request).contains("\r\n\r\n") {
            let count = stream.read(&mut piece).unwrap();
            request.extend_from_slice(&piece[..count]);
        }
        let _closed = stream.write_all(reply.as_bytes());
        String::from_utf8_lossy(&request).into_owned()
    });
    (base, server)
}

#[test]
fn who_asks_is_sent_and_not_shown() {
    let secret = crate::base::secret::Secret::new;
    let basic = Credentials::Basic { user: "Aladdin".into(), password: secret("open sesame") };
    for (credentials, line) in [
        (basic, "authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        (Credentials::Bearer(secret("t0k3n")), "authorization: Bearer t0k3n"),
    ] {
        let (base, server) = listen(reply("200 OK", "Content-Type: application/json\r\n", "{}"));
        let headers = vec![("X-Studio".to_owned(), secret("gate"))];
        let access = Access { credentials: Some(credentials), headers, ..Access::default() };
        let client = Client::with(&base, &access).unwrap();
        let post = Request { method: Method::Post, json: Some(b"{\"a\":1}".to_vec()), ..Request::get("x") };
        assert_eq!(client.send(&post).unwrap().content_type, "application/json");
        let request = server.join().unwrap();
        for part in ["POST /x HTTP/1.1", line, "x-studio: gate", "content-type: application/json"] {
            assert!(request.to_ascii_lowercase().contains(&part.to_ascii_lowercase()), "{part}: {request}");
        }
        assert!(!format!("{access:?}").contains("sesame") && !format!("{access:?}").contains("t0k3n"));
    }
}

/// A tunnel that a proxy does not open for a stranger.
#[test]
fn a_proxy_that_wants_credentials_is_told_from_a_server_that_cannot_be_reached() {
    let (proxy, server) = listen(reply("407 Proxy Authentication Required", "", ""));
    let access = Access { proxy: Some(proxy), ..Access::default() };
    let error = Client::with("https://farm.invalid", &access).unwrap().get("x").unwrap_err();
    assert!(matches!(error, HttpError::ProxyUnauthorized { .. }), "{error}");
    assert_eq!(error.arrival(), Arrival::Never);
    assert!(server.join().unwrap().starts_with("CONNECT farm.invalid:443"));
}

#[test]
fn what_changes_something_follows_nobody() {
    let (base, server) = listen(reply("307 Temporary Redirect", "Location: /elsewhere\r\n", ""));
    let client = Client::new(&base).unwrap();
    let post = Request { method: Method::Post, ..Request::get("x") };
    let error = client.send(&post).unwrap_err();
    assert!(matches!(&error, HttpError::SentOn { to, .. } if to == "/elsewhere"), "{error}");
    server.join().unwrap();
}

#[test]
fn a_silent_server_is_not_waited_for_longer_than_was_said() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let access = Access { timeout: Some(Duration::from_millis(200)), ..Access::default() };
    let error = Client::with(&base, &access).unwrap().get("x").unwrap_err();
    assert!(matches!(error, HttpError::TimedOut { .. }), "{error}");
    assert_eq!(error.arrival(), Arrival::PerhapsLater);
    drop(listener);
}

#[test]
fn bad_certificates_headers_and_proxies_are_named() {
    let temp = tempfile::tempdir().unwrap();
    let empty = temp.path().join("ca.pem");
    std::fs::write(&empty, "nothing").unwrap();
    let headers = vec![("bad name".to_owned(), crate::base::secret::Secret::new("x"))];
    for (access, word) in [
        (Access { ca: Some(temp.path().join("none.pem")), ..Access::default() }, "none.pem"),
        (Access { ca: Some(empty.clone()), ..Access::default() }, "ca.pem"),
        (Access { client_certificate: Some(empty), ..Access::default() }, "ca.pem"),
        (Access { headers, ..Access::default() }, "bad name"),
        (Access { proxy: Some("http://me:secret@[".into()), ..Access::default() }, "proxy"),
    ] {
        let error = Client::with("https://farm.studio/", &access).err().map(|error| error.to_string()).unwrap();
        assert!(error.contains(word) && error.contains("farm.studio"), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
}

#[test]
fn a_path_that_names_another_host_is_not_followed() {
    let client = Client::new("http://127.0.0.1:1/farm").unwrap();
    for path in ["http://elsewhere.invalid/x", "https://127.0.0.1:1/x", "//elsewhere.invalid/x"] {
        let error = client.get(path).unwrap_err();
        assert!(matches!(&error, HttpError::SentOn { .. }), "{path}: {error}");
    }
}
