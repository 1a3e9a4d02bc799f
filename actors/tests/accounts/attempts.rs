//! How often somebody may try.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn who_tries_too_often_has_to_wait_whether_the_account_exists_or_not() {
    let (world, _) = World::claimed().await;
    world.join(ANNA).await;
    for email in [ANNA, "nobody@example.org"] {
        let visitor = visitor();
        let ask = |password: &str| BeginSession {
            visitor: visitor.clone(),
            request: SignIn { email: email.into(), password: secret(password), code: None },
            instead_of: None,
        };
        for _ in 0..10 {
            assert_eq!(code(sessions::begin(&world.context, &ask(OTHER)).await), "sign-in-refused");
        }
        // The right password, too: else trying would go on.
        let told = sessions::begin(&world.context, &ask(PASSWORD)).await.unwrap_err();
        assert_eq!(told.code, "too-many-attempts");
        assert!(told.retry_after_ms.is_some_and(|ms| ms > 0 && ms <= 30_001), "{told:?}");
    }
    // From elsewhere its owner gets in.
    world.sign_in(ANNA, PASSWORD).await.unwrap();
    let mails = async |email: &str| {
        let mut codes = Vec::new();
        for _ in 0..4 {
            codes.push(code(world.forgot(email).await));
        }
        codes
    };
    assert_eq!(mails("else@example.org").await, ["done", "done", "done", "too-many-attempts"]);
}
