//! Doubly linked lists through the item arena: an item leaves the middle of a queue in constant time, and queues
//! allocate nothing of their own.

/// Index of an item in the arena.
pub(crate) type Handle = u32;
/// No item.
pub(crate) const NONE: Handle = u32::MAX;

/// Ends of one list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct List {
    pub(crate) head: Handle,
    pub(crate) tail: Handle,
}

impl List {
    pub(crate) const EMPTY: Self = Self { head: NONE, tail: NONE };

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.head == NONE
    }
}

/// Neighbours of every item in one family of lists; an item is in one list of a family at most.
#[derive(Clone, Debug, Default)]
pub(crate) struct Links(Vec<(Handle, Handle)>);

impl Links {
    /// Makes room for one more item.
    pub(crate) fn grow(&mut self) {
        self.0.push((NONE, NONE));
    }

    #[inline]
    pub(crate) fn next(&self, handle: Handle) -> Handle {
        self.0[handle as usize].1
    }

    #[inline]
    pub(crate) fn push_back(&mut self, list: &mut List, handle: Handle) {
        self.0[handle as usize] = (list.tail, NONE);
        match list.tail {
            NONE => list.head = handle,
            tail => self.0[tail as usize].1 = handle,
        }
        list.tail = handle;
    }

    #[inline]
    pub(crate) fn remove(&mut self, list: &mut List, handle: Handle) {
        let (previous, next) = self.0[handle as usize];
        match previous {
            NONE => list.head = next,
            previous => self.0[previous as usize].1 = next,
        }
        match next {
            NONE => list.tail = previous,
            next => self.0[next as usize].0 = previous,
        }
        self.0[handle as usize] = (NONE, NONE);
    }

    /// From head to tail.
    pub(crate) fn iter(&self, list: List) -> impl Iterator<Item = Handle> + '_ {
        std::iter::successors((list.head != NONE).then_some(list.head), |&handle| {
            let next = self.next(handle);
            (next != NONE).then_some(next)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_leave_from_anywhere_and_the_rest_keep_their_order() {
        let mut links = Links::default();
        (0..5).for_each(|_| links.grow());
        let mut list = List::EMPTY;
        (0..5).for_each(|handle| links.push_back(&mut list, handle));
        for gone in [2, 0, 4] {
            links.remove(&mut list, gone);
        }
        assert_eq!(links.iter(list).collect::<Vec<_>>(), [1, 3]);
        links.remove(&mut list, 1);
        links.remove(&mut list, 3);
        assert!(list.is_empty() && list.tail == NONE);
    }
}
