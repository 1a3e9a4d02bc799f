//! What deliveries are signed with: the scheme of Standard Webhooks (standardwebhooks.com), under secrets that are
//! derived from the node's keys, one a webhook and key.
//!
//! While an old key is kept a delivery carries a signature under each, so a receiver that was given the older secret
//! goes on verifying until somebody hands it the newer one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::id::WebhookId;
use domain::webhook::WebhookSecret;
use store::{Keyring, Purpose};

/// Separates what is derived here from whatever else webhooks may sign some day.
const SECRET: &[u8] = b"webhook secret v1";

fn name(webhook: WebhookId) -> Vec<u8> {
    [SECRET, &webhook.0.to_be_bytes()].concat()
}

/// The secrets of a webhook, the newest first.
pub fn secrets(keys: &Keyring, webhook: WebhookId) -> Vec<WebhookSecret> {
    let derived = keys.derive(Purpose::Webhook, &name(webhook)).into_iter();
    let secret = |(key, secret): (store::keyring::KeyId, store::keyring::Secret)| WebhookSecret {
        key_id: key.to_string(),
        secret: format!("whsec_{}", STANDARD.encode(secret.as_slice())),
    };
    derived.map(secret).collect()
}

/// The headers of a delivery: its id, when it is sent, a signature for each key, and the keys' ids in that order.
pub fn headers(
    keys: &Keyring,
    webhook: WebhookId,
    event: &str,
    now_s: u64,
    body: &[u8],
) -> Vec<(&'static str, String)> {
    let signed = [event.as_bytes(), b".", now_s.to_string().as_bytes(), b".", body].concat();
    let (mut signatures, mut ids) = (Vec::new(), Vec::new());
    for (key, secret) in keys.derive(Purpose::Webhook, &name(webhook)) {
        signatures.push(format!("v1,{}", STANDARD.encode(store::keyring::mac(&secret, &signed))));
        ids.push(key.to_string());
    }
    vec![
        ("webhook-id", event.to_owned()),
        ("webhook-timestamp", now_s.to_string()),
        ("webhook-signature", signatures.join(" ")),
        ("visiobook-key-id", ids.join(" ")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_secret_verifies_for_as_long_as_its_key_is_kept() {
        let (webhook, old) = (WebhookId(7), "11".repeat(32));
        let before = secrets(&Keyring::from_text(&old).unwrap(), webhook);
        let rotated = Keyring::from_text(&format!("{} {old}", "22".repeat(32))).unwrap();
        let after = secrets(&rotated, webhook);
        assert_eq!((after.len(), &after[1]), (2, &before[0]));
        let headers = headers(&rotated, webhook, "evt_1", 1_700_000_000, b"{}");
        let value = |name: &str| headers.iter().find(|(key, _)| *key == name).unwrap().1.clone();
        assert_eq!(value("visiobook-key-id"), format!("{} {}", after[0].key_id, after[1].key_id));
        // As a receiver does it, with the secret that it was given and nothing of ours but the arithmetic.
        let secret = STANDARD.decode(before[0].secret.strip_prefix("whsec_").unwrap()).unwrap();
        let secret: [u8; 32] = secret.try_into().unwrap();
        let expected = STANDARD.encode(store::keyring::mac(&secret.into(), b"evt_1.1700000000.{}"));
        assert_eq!(value("webhook-signature").split(' ').nth(1), Some(format!("v1,{expected}").as_str()));
    }

    #[test]
    fn two_webhooks_have_nothing_in_common() {
        let keys = Keyring::from_text(&"11".repeat(32)).unwrap();
        assert_ne!(secrets(&keys, WebhookId(1)), secrets(&keys, WebhookId(2)));
    }
}
