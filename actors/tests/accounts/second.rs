//! The second factor.

use actors::accounts::second;
use cluster::body::credentials::{BeginSecondFactor, ConfirmSecondFactor, RemoveSecondFactor, RenewRecoveryCodes};
use domain::second_factor::{Code, RECOVERY_CODES};
use store::rows::SecondFactorRow;
use totp_rs::Totp;

use super::*;

const STEP_S: u64 = 30;

/// An authenticator app, which says each code once: the node takes none twice.
struct App {
    totp: Totp,
    said: u64,
}

impl App {
    fn of(uri: &Secret) -> Self {
        Self { totp: Totp::from_url(&uri.0).unwrap(), said: 0 }
    }

    /// A code that was not said before.
    async fn code(&mut self) -> String {
        let now = || actors::clock::wall_ms() / 1_000 / STEP_S;
        self.said = now().max(self.said + 1);
        while now() + 1 < self.said {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        self.totp.generate(self.said * STEP_S).to_string()
    }

    /// A code that is not one now.
    fn wrong(&self) -> String {
        let now = actors::clock::wall_ms() / 1_000 / STEP_S;
        let near: Vec<String> = (now - 3..now + 4).map(|step| self.totp.generate(step * STEP_S).to_string()).collect();
        (0..).map(|n| format!("{n:06}")).find(|code| !near.contains(code)).unwrap()
    }
}

impl World {
    async fn sign_in_by(&self, password: &str, code: &str) -> Result<SessionReply, Fault> {
        let request = SignIn { email: ANNA.into(), password: secret(password), code: Some(secret(code)) };
        sessions::begin(&self.context, &BeginSession { visitor: visitor(), request, instead_of: None }).await
    }

    async fn begin(&self, principal: Principal) -> Result<App, Fault> {
        let ask = BeginSecondFactor { principal, visitor: visitor() };
        let begun = second::begin(&self.context, &ask).await?;
        assert!(begun.uri.0.contains(&begun.secret.0));
        Ok(App::of(&begun.uri))
    }

    async fn confirm(&self, principal: Principal, code: &str) -> Result<Vec<Secret>, Fault> {
        let ask = ConfirmSecondFactor { principal, visitor: visitor(), request: Code { code: secret(code) } };
        second::confirm(&self.context, &ask).await
    }

    async fn remove(&self, principal: Principal, code: &str) -> Result<(), Fault> {
        let ask = RemoveSecondFactor { principal, visitor: visitor(), request: Code { code: secret(code) } };
        second::remove(&self.context, &ask).await
    }

    /// Anna, who has just turned her second factor on; her session, app and codes to recover with.
    async fn guarded() -> (Self, SessionReply, App, Vec<Secret>) {
        let (world, _) = Self::claimed().await;
        let anna = world.join(ANNA).await;
        let principal = world.who(&anna).await.unwrap();
        let mut app = world.begin(principal).await.unwrap();
        let codes = world.confirm(principal, &app.code().await).await.unwrap();
        (world, anna, app, codes)
    }

    /// Changes her second factor's row, as time would.
    async fn later(&self, session: &SessionReply, change: impl Fn(&mut SecondFactorRow)) {
        let mut row = self.context.records.account_get(session.account.id).await.unwrap().unwrap();
        let mut factor = row.second_factor().unwrap().clone();
        change(&mut factor);
        row.set_second_factor(Some(factor));
        let version = row.version;
        let _ = self.context.records.account_update(row, version, None).await.unwrap().applied().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_second_factor_a_password_alone_signs_nobody_in() {
    let (world, _) = World::claimed().await;
    let anna = world.join(ANNA).await;
    let there = world.sign_in(ANNA, PASSWORD).await.unwrap();
    let principal = world.who(&anna).await.unwrap();
    assert_eq!(code(world.confirm(principal, "123456").await), "second-factor-off", "none was begun");
    let older = world.begin(principal).await.unwrap();
    let mut app = world.begin(principal).await.unwrap();
    assert_eq!(code(world.confirm(principal, &app.wrong()).await), "second-factor-wrong");
    assert!(older.totp.secret() != app.totp.secret());
    world.sign_in(ANNA, PASSWORD).await.unwrap();
    assert!(!second::stands(&world.context, &principal).await.unwrap().on, "it is not on before the app is known");
    let first = app.code().await;
    let codes = world.confirm(principal, &first).await.unwrap();
    assert_eq!(codes.len(), RECOVERY_CODES);
    assert_eq!(code(world.who(&there).await), "session-ended", "every other session");
    world.who(&anna).await.unwrap();
    let stands = second::stands(&world.context, &principal).await.unwrap();
    assert_eq!((stands.on, stands.recovery_codes_left), (true, 10));
    assert_eq!(code(world.begin(principal).await), "second-factor-on");
    assert_eq!(code(world.confirm(principal, &first).await), "second-factor-on");

    // Who does not know the password learns nothing of it, and uses nothing up.
    let second_code = app.code().await;
    let nobody = world.sign_in("nobody@example.org", OTHER).await.unwrap_err();
    assert_eq!(world.sign_in_by(OTHER, &second_code).await.unwrap_err(), nobody);
    assert_eq!(world.sign_in(ANNA, OTHER).await.unwrap_err(), nobody);
    for none in ["", "  "] {
        assert_eq!(code(world.sign_in_by(PASSWORD, none).await), "second-factor-needed");
    }
    assert_eq!(code(world.sign_in(ANNA, PASSWORD).await), "second-factor-needed");
    assert_eq!(code(world.sign_in_by(PASSWORD, &app.wrong()).await), "second-factor-wrong");
    assert_eq!(code(world.sign_in_by(PASSWORD, &first).await), "second-factor-wrong", "it turned the factor on");
    let spaced = format!("{} {}", &second_code[..3], &second_code[3..]);
    let signed_in = world.sign_in_by(PASSWORD, &spaced).await.unwrap();
    assert_eq!(code(world.sign_in_by(PASSWORD, &second_code).await), "second-factor-wrong", "a code works once");
    let log = world.log(world.who(&signed_in).await.unwrap()).await;
    for act in
        [AccountAct::SecondFactorBegun, AccountAct::SecondFactorOn, AccountAct::CodeRefused, AccountAct::CodeTaken]
    {
        assert!(log.contains(&act), "{act:?}: {log:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_say_one_code_at_once_one_is_signed_in() {
    let (world, _, mut app, codes) = World::guarded().await;
    for said in [app.code().await, codes[4].0.clone()] {
        let came = futures_util::future::join_all((0..4).map(|_| world.sign_in_by(PASSWORD, &said))).await;
        let told: Vec<String> = came.into_iter().map(code).collect();
        assert_eq!(told.iter().filter(|code| *code == "done").count(), 1, "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_code_to_recover_with_works_once_until_others_take_their_place() {
    let (world, anna, mut app, codes) = World::guarded().await;
    let typed = codes[0].0.to_lowercase().replace('-', " ");
    world.sign_in_by(PASSWORD, &typed).await.unwrap();
    assert_eq!(code(world.sign_in_by(PASSWORD, &codes[0].0).await), "second-factor-wrong");
    let principal = world.who(&anna).await.unwrap();
    assert_eq!(second::stands(&world.context, &principal).await.unwrap().recovery_codes_left, 9);
    assert!(world.log(principal).await.contains(&AccountAct::RecoveryCodeTaken { left: 9 }));
    let ask = RenewRecoveryCodes { principal, visitor: visitor(), request: Code { code: secret(&app.code().await) } };
    let others = second::renew(&world.context, &ask).await.unwrap();
    assert_eq!(code(world.sign_in_by(PASSWORD, &codes[1].0).await), "second-factor-wrong");
    world.sign_in_by(PASSWORD, &others[0].0).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_guesses_codes_waits_longer_than_that_pays_and_its_owner_recovers() {
    let (world, anna, mut app, codes) = World::guarded().await;
    for _ in 0..10 {
        assert_eq!(code(world.sign_in_by(PASSWORD, &app.wrong()).await), "second-factor-wrong");
    }
    let right = app.code().await;
    let told = world.sign_in_by(PASSWORD, &right).await.unwrap_err();
    assert_eq!(told.code, "too-many-attempts");
    assert!(told.retry_after_ms.is_some_and(|ms| (3_500_000..=3_600_000).contains(&ms)), "{told:?}");
    // Nor while signed in.
    let principal = world.who(&anna).await.unwrap();
    assert_eq!(code(world.remove(principal, &right).await), "too-many-attempts");
    // An hour later one is looked at, and no more.
    world.later(&anna, |factor| factor.wrong_ms -= 3_600_000).await;
    assert_eq!(code(world.sign_in_by(PASSWORD, &app.wrong()).await), "second-factor-wrong");
    assert_eq!(code(world.sign_in_by(PASSWORD, &right).await), "too-many-attempts");
    // A code to recover with is none that anybody guesses.
    world.sign_in_by(PASSWORD, &codes[0].0).await.unwrap();
    world.sign_in_by(PASSWORD, &right).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_takes_the_password_takes_a_code_too() {
    let (world, anna, mut app, codes) = World::guarded().await;
    let principal = world.who(&anna).await.unwrap();
    let again = async |code: Option<Secret>| {
        let request = PasswordAgain { password: secret(PASSWORD), code };
        sessions::say_password(&world.context, &SayPassword { principal, visitor: visitor(), request }).await
    };
    assert_eq!(code(again(None).await), "second-factor-needed");
    again(Some(codes[0].clone())).await.unwrap();
    // Another address, by a link.
    let request = MailAddress { email: "lamp@example.org".into() };
    credentials::ask_address(&world.context, &AskAddress { principal, visitor: visitor(), request }).await.unwrap();
    let link = world.link("lamp@example.org", 1).await;
    assert_eq!(code(world.follow(&link, PASSWORD).await), "second-factor-needed");
    let request = LinkUse { token: link, password: secret(PASSWORD), code: Some(codes[1].clone()) };
    joining::follow_link(&world.context, &FollowLink { visitor: visitor(), request }).await.unwrap();
    // Another password.
    let change = async |code: Option<Secret>| {
        let request = PasswordChange { current: secret(PASSWORD), password: secret(OTHER), code };
        credentials::change_password(&world.context, &ChangePassword { principal, visitor: visitor(), request }).await
    };
    assert_eq!(code(change(None).await), "second-factor-needed");
    let anna = change(Some(secret(&app.code().await))).await.unwrap();
    assert!(second::stands(&world.context, &world.who(&anna).await.unwrap()).await.unwrap().on);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_by_mail_leaves_the_second_factor_on() {
    let (world, _, mut app, _) = World::guarded().await;
    world.forgot(ANNA).await.unwrap();
    world.reset(&world.link(ANNA, 3).await, OTHER).await.unwrap();
    assert_eq!(code(world.sign_in(ANNA, OTHER).await), "second-factor-needed");
    world.sign_in_by(OTHER, &app.code().await).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_turned_off_by_a_code_and_every_other_session_ends() {
    let (world, anna, mut app, codes) = World::guarded().await;
    let there = world.sign_in_by(PASSWORD, &app.code().await).await.unwrap();
    let principal = world.who(&anna).await.unwrap();
    assert_eq!(code(world.remove(principal, &app.wrong()).await), "second-factor-wrong");
    world.remove(principal, &codes[0].0).await.unwrap();
    assert_eq!(code(world.who(&there).await), "session-ended");
    assert_eq!(code(world.remove(principal, &codes[1].0).await), "second-factor-off");
    world.sign_in(ANNA, PASSWORD).await.unwrap();
    assert_eq!(world.log(principal).await.iter().filter(|act| **act == AccountAct::SecondFactorOff).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_takes_too_long_to_learn_its_secret_begins_anew() {
    let (world, _) = World::claimed().await;
    let anna = world.join(ANNA).await;
    let principal = world.who(&anna).await.unwrap();
    let mut app = world.begin(principal).await.unwrap();
    world.later(&anna, |factor| factor.begun_ms -= 15 * 60 * 1_000).await;
    assert_eq!(code(world.confirm(principal, &app.code().await).await), "second-factor-off");
    let mut app = world.begin(principal).await.unwrap();
    world.confirm(principal, &app.code().await).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_write_fails_codes_are_taken_once_and_whoever_goes_on_gets_in() {
    for kind in [store::Fault::Refuse, store::Fault::Lose, store::Fault::Doubt] {
        for nth in 6..=14 {
            let world = World::failing(Faults::Nth { nth, fault: kind }).await;
            life(&world).await;
            let anna = failing::settle(async || world.sign_in(ANNA, PASSWORD).await).await;
            let principal = world.who(&anna).await.unwrap();
            let mut app = failing::settle(async || world.begin(principal).await).await;
            let said = app.code().await;
            let mut codes = world.confirm(principal, &said).await;
            if codes.as_ref().is_err_and(|fault| fault.code != "second-factor-on") {
                codes = world.confirm(principal, &said).await;
            }
            // Where the answer was lost the codes to recover with are, too; the app is left.
            let mut next = codes.unwrap_or_default().into_iter().map(|code| code.0).collect::<Vec<_>>();
            next.push(app.code().await);
            let mut tries = next.into_iter();
            loop {
                if world.sign_in_by(PASSWORD, &tries.next().unwrap()).await.is_ok() {
                    break;
                }
            }
            assert!(second::stands(&world.context, &principal).await.unwrap().on);
        }
    }
}
