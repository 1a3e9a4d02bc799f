//! A real Chromium, driven as a visitor would: what it shows, what its console says, what it looks like.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fantoccini::elements::Element;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::{Value, json};
use url::Url;
use warp::http::Method;

/// How long anything may take to show: a whole run, on a machine that compiles meanwhile.
const PATIENCE: Duration = Duration::from_secs(120);
/// Most that is waited for a browser's farewell.
const FAREWELL: Duration = Duration::from_secs(10);

/// Held until the keys are all pressed.
pub const CONTROL: &str = "\u{e009}";
/// The same.
pub const SHIFT: &str = "\u{e008}";
pub const DELETE: &str = "\u{e017}";
pub const ENTER: &str = "\u{e007}";
pub const ESCAPE: &str = "\u{e00c}";

/// The program, wherever set-up found or put it.
fn program(names: &[&str]) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places = names.iter().flat_map(|name| std::env::split_paths(&path).map(move |dir| dir.join(name)));
    places.find(|place| place.is_file()).unwrap_or_else(|| {
        panic!("{} is not on the PATH, and this test needs it: run `cargo xtask setup`", names.join(" or "))
    })
}

/// chromedriver, which ends its browsers and itself with its test, passed or failed.
struct Driver {
    child: Child,
    address: String,
    /// Held, or it would be told of a broken pipe.
    _output: ChildStdout,
}

impl Driver {
    fn start() -> Self {
        let mut command = Command::new(program(&["chromedriver"]));
        command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut output = child.stdout.take().unwrap();
        let started = "started successfully on port ";
        let lines = super::wait_for_line(&mut output, |line| line.contains(started));
        let port = lines.last().and_then(|line| line.split(started).nth(1)).unwrap().trim_end_matches('.').to_owned();
        Self { child, address: format!("127.0.0.1:{port}"), _output: output }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Killing it alone would leave its browser running.
        if let Ok(mut stream) = TcpStream::connect(&self.address) {
            let _ = stream.set_read_timeout(Some(FAREWELL));
            let ask = format!("GET /shutdown HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", self.address);
            let _ = stream.write_all(ask.as_bytes());
            let _ = stream.read_to_end(&mut Vec::new());
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One window.
pub struct Browser {
    client: Client,
    _driver: Driver,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// A fresh visitor, whose browser asks for English.
    pub async fn start() -> Self {
        let profile = tempfile::tempdir().unwrap();
        let capabilities = capabilities(profile.path());
        let driver = Driver::start();
        let connector = hyper_util::client::legacy::connect::HttpConnector::new();
        let client = ClientBuilder::new(connector)
            .capabilities(capabilities.as_object().unwrap().clone())
            .connect(&format!("http://{}", driver.address))
            .await
            .expect("chromedriver starts the browser");
        Self { client, _driver: driver, _profile: profile }
    }

    pub async fn goto(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    pub async fn reload(&self) {
        self.client.refresh().await.unwrap();
    }

    /// The element, as soon as there is one.
    pub async fn wait(&self, css: &str) -> Element {
        match self.client.wait().at_most(PATIENCE).for_element(Locator::Css(css)).await {
            Ok(element) => element,
            Err(error) => panic!("{css}: {error}; {}", self.state().await),
        }
    }

    /// Where it is, what it shows and what its console says, for whoever looks for the cause of a failure.
    async fn state(&self) -> String {
        self.screenshot("failed").await;
        let (at, said) = (self.script("return location.href", vec![]).await, self.complaints().await);
        format!("at {at} the page says:\n{}\nand its console:\n{}", self.text("body").await, said.join("\n"))
    }

    pub async fn click(&self, css: &str) {
        self.wait(css).await.click().await.unwrap_or_else(|error| panic!("{css} can't be clicked: {error}"));
    }

    /// Presses keys where the focus is. Of [`CONTROL`] and [`SHIFT`] the keys after them are held together.
    pub async fn keys(&self, keys: &str) {
        self.client.active_element().await.unwrap().send_keys(keys).await.unwrap();
    }

    /// Takes the focus to the next stop. (A file's input takes what [`Browser::keys`] sends it for a file's name.)
    pub async fn tab(&self) {
        for kind in ["keyDown", "keyUp"] {
            let key = json!({"type": kind, "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9});
            self.devtools("Input.dispatchKeyEvent", key).await;
        }
    }

    /// Types into a field, in place of what it holds.
    pub async fn write(&self, css: &str, text: &str) {
        let field = self.wait(css).await;
        field.send_keys(&format!("{CONTROL}a")).await.unwrap();
        field.send_keys(if text.is_empty() { DELETE } else { text }).await.unwrap();
    }

    /// Chooses from a list.
    pub async fn choose(&self, css: &str, value: &str) {
        self.wait(css).await.select_by_value(value).await.unwrap();
    }

    /// What a script says of the element that has the focus, as `e`.
    pub async fn in_focus(&self, expression: &str) -> String {
        let script = format!("const e = document.activeElement; return String({expression})");
        serde_json::from_value(self.script(&script, vec![]).await).unwrap()
    }

    /// What an element shows.
    pub async fn text(&self, css: &str) -> String {
        let element = self.client.find(Locator::Css(css)).await.unwrap_or_else(|error| panic!("{css}: {error}"));
        element.text().await.unwrap()
    }

    pub async fn count(&self, css: &str) -> usize {
        self.client.find_all(Locator::Css(css)).await.unwrap().len()
    }

    /// What a script gives back.
    pub async fn script(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.client.execute(script, arguments).await.unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// What a script gives to its last argument, sooner or later.
    pub async fn script_async(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.client.execute_async(script, arguments).await.unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// What a script says of every element.
    pub async fn of_each(&self, css: &str, expression: &str) -> Vec<String> {
        let script = format!("return [...document.querySelectorAll(arguments[0])].map(e => {expression})");
        serde_json::from_value(self.script(&script, vec![json!(css)]).await).unwrap()
    }

    /// Drags a file of this machine onto an element and lets go: the browser itself makes the events.
    pub async fn drop_file(&self, file: &Path, css: &str) {
        self.wait(css).await;
        let middle = "const r = document.querySelector(arguments[0]).getBoundingClientRect();
            return [r.x + r.width / 2, r.y + r.height / 2]";
        let middle = self.script(middle, vec![json!(css)]).await;
        let data = json!({"items": [], "files": [canonical(file)], "dragOperationsMask": 1});
        for kind in ["dragEnter", "dragOver", "drop"] {
            let event = json!({"type": kind, "x": middle[0], "y": middle[1], "data": data});
            self.devtools("Input.dispatchDragEvent", event).await;
        }
    }

    /// Chooses a file of this machine as a file input's dialog does.
    pub async fn choose_file(&self, file: &Path, css: &str) {
        self.wait(css).await.send_keys(&canonical(file)).await.unwrap();
    }

    /// From now on the browser sends this fast; `None` as fast as it can.
    pub async fn limit_upload(&self, bytes_per_s: Option<u32>) {
        let upload = bytes_per_s.map_or(-1, i64::from);
        let slow = json!({"offline": false, "latency": 0, "downloadThroughput": -1, "uploadThroughput": upload});
        self.devtools("Network.enable", json!({})).await;
        self.devtools("Network.emulateNetworkConditions", slow).await;
    }

    /// A command of the DevTools protocol.
    pub async fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.extension("goog/cdp/execute", json!({"cmd": command, "params": parameters})).await
    }

    /// What the console holds against the page since the last asking.
    pub async fn complaints(&self) -> Vec<String> {
        let entries = self.extension("se/log", json!({"type": "browser"})).await;
        let severe = entries.as_array().unwrap().iter().filter(|entry| entry["level"] == "SEVERE");
        severe.map(|entry| entry["message"].to_string()).collect()
    }

    async fn extension(&self, path: &'static str, body: Value) -> Value {
        let answer = self.client.issue_cmd(Extension { path, body: body.clone() }).await;
        answer.unwrap_or_else(|error| panic!("{path} {body}: {error}"))
    }

    /// Keeps what the window shows among the build's files.
    pub async fn screenshot(&self, name: &str) {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.png"));
        std::fs::write(&path, self.client.screenshot().await.unwrap()).unwrap();
        println!("screenshot: {}", path.display());
    }
}

impl Browser {
    /// Keeps what the page shows among the build's files, what lies below the window too: at most so many pixels of it.
    pub async fn picture(&self, name: &str, height_max: f64) {
        let size = self.devtools("Page.getLayoutMetrics", json!({})).await["cssContentSize"].clone();
        let height = size["height"].as_f64().unwrap().min(height_max);
        let clip = json!({"x": 0, "y": 0, "width": size["width"], "height": height, "scale": 1});
        let shot = json!({"captureBeyondViewport": true, "clip": clip});
        let shot = self.devtools("Page.captureScreenshot", shot).await;
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.png"));
        std::fs::write(&path, STANDARD.decode(shot["data"].as_str().unwrap()).unwrap()).unwrap();
        println!("picture: {}", path.display());
    }
}

/// What chromedriver takes beyond the standard.
#[derive(Debug)]
struct Extension {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Extension {
    fn endpoint(&self, driver: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        driver.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}

/// The one spelling of a path that the browser takes: no page may read one with `..` in it.
fn canonical(file: &Path) -> String {
    file.canonicalize().unwrap().to_string_lossy().into_owned()
}

fn capabilities(profile: &Path) -> Value {
    let arguments = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-dev-shm-usage",
        "--lang=en-US",
        "--window-size=1280,1000",
        &format!("--user-data-dir={}", profile.display()),
    ];
    let chromium = program(&["chromium", "chromium-browser", "google-chrome"]);
    json!({
        "goog:chromeOptions": {"binary": chromium, "args": arguments},
        "goog:loggingPrefs": {"browser": "ALL"},
    })
}
