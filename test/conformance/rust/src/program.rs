//! What the programs in Rust share: they read JSON from their standard input, and print JSON.

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Webhook with the secret by which to verify it.
#[derive(Deserialize)]
pub struct Webhook {
    headers: BTreeMap<String, String>,
    pub body: String,
    pub secret: String,
}

impl Webhook {
    /// Returns the headers as a server would have them.
    pub fn headers(&self) -> HeaderMap {
        let parsed = |(name, value): (&String, &String)| {
            let name: HeaderName = name.parse().unwrap();
            (name, HeaderValue::from_str(value).unwrap())
        };
        self.headers.iter().map(parsed).collect()
    }
}

#[derive(Deserialize)]
struct Given {
    webhooks: BTreeMap<String, Webhook>,
}

/// Prints for each webhook the type of its event, or why it is refused.
pub fn show_verdicts<Failure: std::fmt::Display>(verify: impl Fn(&Webhook) -> Result<(), Failure>) {
    let given: Given = serde_json::from_reader(std::io::stdin()).unwrap();
    let verdict = |webhook: &Webhook| match verify(webhook) {
        Ok(()) => serde_json::from_str::<serde_json::Value>(&webhook.body).unwrap()["type"].clone(),
        Err(failure) => format!("refused: {failure}").into(),
    };
    let verdicts: BTreeMap<_, _> = given.webhooks.iter().map(|(name, each)| (name, verdict(each))).collect();
    println!("{}", serde_json::json!({ "verdicts": verdicts }));
}
