//! What whoever looks at a project may do with it. What they may not do is not offered.

use domain::sharing::ProjectRole;
use yew::prelude::*;

/// What whoever looks at a project may do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rights {
    pub role: ProjectRole,
    /// They are no member: a share link shows it to them.
    pub visits: bool,
}

impl Default for Rights {
    /// Looking at it.
    fn default() -> Self {
        Self { role: ProjectRole::Viewer, visits: false }
    }
}

impl Rights {
    /// Change what it holds.
    pub fn can_edit(self) -> bool {
        self.role >= ProjectRole::Editor
    }

    /// Say who may, and delete it.
    pub fn can_own(self) -> bool {
        self.role == ProjectRole::Owner
    }

    /// See who else has it, and who did what.
    pub fn is_member(self) -> bool {
        !self.visits
    }
}

/// What whoever looks at the project may do with it.
#[hook]
pub fn use_rights() -> Rights {
    use_context::<Rights>().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_more_than_the_one_before_and_a_visitor_only_looks() {
        let rights = |role| Rights { role, visits: false };
        let may = |rights: Rights| [rights.is_member(), rights.can_edit(), rights.can_own()];
        assert_eq!(may(rights(ProjectRole::Viewer)), [true, false, false]);
        assert_eq!(may(rights(ProjectRole::Editor)), [true, true, false]);
        assert_eq!(may(rights(ProjectRole::Owner)), [true, true, true]);
        assert_eq!(may(Rights { visits: true, ..rights(ProjectRole::Viewer) }), [false, false, false]);
    }
}
