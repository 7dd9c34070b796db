//! `farm setup find`

use super::server::{Answer, Heard, Server, nobody};
use crate::support::Farm;
use crate::support::output::list;
use serde_json::json;
use std::collections::BTreeSet;
use std::net::UdpSocket;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Somebody on the network who says where these Managers are.
fn who_knows(urls: Vec<String>) -> String {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = socket.local_addr().expect("an address").to_string();
    std::thread::spawn(move || {
        let mut question = [0; 1024];
        let (_, from) = socket.recv_from(&mut question).expect("a question");
        for url in urls {
            let answer = format!(
                "HTTP/1.1 200 OK\r\nST: urn:flamenco:manager:0\r\nLOCATION: {url}/upnp/description.xml\r\n\r\n"
            );
            socket.send_to(answer.as_bytes(), from).expect("sent");
        }
    });
    address
}

/// None of three says its name before all three were asked.
#[test]
fn who_answers_is_asked_for_its_name_at_once() {
    let asked: Arc<Mutex<BTreeSet<usize>>> = Arc::default();
    let managers: Vec<Server> = (0..3)
        .map(|number| {
            let asked = Arc::clone(&asked);
            Server::new(move |_: &Heard| {
                let began = Instant::now();
                asked.lock().expect("no panic").insert(number);
                while asked.lock().expect("no panic").len() < 3 {
                    if began.elapsed() > Duration::from_secs(4) {
                        return Answer::text(404, "text/plain", "");
                    }
                    std::thread::sleep(Duration::from_millis(5));
                }
                let version = "3.8.5";
                Answer::json(200, &json!({"name": "Barn", "version": version, "shortversion": version, "git": "x"}))
            })
        })
        .collect();
    let farm = Farm::new();
    let to = who_knows(managers.iter().map(Server::url).collect());
    let found = farm.run(&format!("setup find --ask {to} --wait 1s --json")).expect(0).json("farm.setup-find/1");
    let names: Vec<&str> = list(&found["managers"]).iter().filter_map(|found| found["name"].as_str()).collect();
    assert_eq!(names, ["Barn"; 3], "{found:#}");
}

/// What is chosen is asked before everyone is sent to it.
#[test]
fn what_does_not_answer_as_a_manager_is_not_remembered() {
    let farm = Farm::new();
    let to = who_knows(Vec::new());
    let config = farm.path(".farm/config.yaml");
    let before = std::fs::read(&config).ok();
    let page = Server::new(|_: &Heard| Answer::text(200, "text/html", "<html></html>"));
    for url in [nobody(), page.url()] {
        let words = format!("setup find --ask {to} --wait 100ms --choose {url}");
        farm.run(&words).expect(6).says(&[&url, "nothing was written", "next:"]);
        assert_eq!(std::fs::read(&config).ok(), before);
    }
    let manager = Server::new(|_: &Heard| {
        Answer::json(200, &json!({"name": "Barn", "version": "3.9", "shortversion": "3.9", "git": "x"}))
    });
    let url = manager.url();
    farm.run(&format!("setup find --ask {to} --wait 100ms --choose {url}")).expect(0).says(&["wrote", &url]);
    let written = std::fs::read_to_string(&config).expect("a config");
    assert!(written.contains(&format!("manager: {url}")), "{written}");
}
