//! An ordered map for a library that has to stay small.
//!
//! Every pair of types that a `BTreeMap` is used with brings 5 KB and more of code into a mobile build, and there are some
//! thirty. A sorted vector brings a tenth of it, and suits what is kept here: keys are handed out in rising order, so that
//! most new ones belong at the end. Anywhere else an insertion or removal moves what is behind it, 0.2 ms for 65 535 entries of
//! 48 bytes: keep maps of many thousand random keys in a `BTreeMap`.

use std::borrow::Borrow;

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct SortedMap<K, V>(Vec<(K, V)>);

/// A map without values.
pub(crate) type SortedSet<K> = SortedMap<K, ()>;

impl<K, V> Default for SortedMap<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// Of entries with the same key the last one stays.
impl<K: Ord, V> FromIterator<(K, V)> for SortedMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut map = Self::default();
        for (key, value) in entries {
            map.insert(key, value);
        }
        map
    }
}

impl<K: Ord, V> SortedMap<K, V> {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.search(key).is_ok()
    }

    pub(crate) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.get_key_value(key).map(|(_, value)| value)
    }

    pub(crate) fn get_key_value<Q: Ord + ?Sized>(&self, key: &Q) -> Option<(&K, &V)>
    where
        K: Borrow<Q>,
    {
        let at = self.search(key).ok()?;
        self.0.get(at).map(pair)
    }

    pub(crate) fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let at = self.search(key).ok()?;
        self.0.get_mut(at).map(|(_, value)| value)
    }

    /// The value of a key, put there if there was none. `None` never: the type says less than what is known.
    pub(crate) fn get_or_insert_with(
        &mut self,
        key: K,
        value: impl FnOnce() -> V,
    ) -> Option<&mut V> {
        let at = self.search(&key).unwrap_or_else(|at| {
            self.0.insert(at, (key, value()));
            at
        });
        self.0.get_mut(at).map(|(_, value)| value)
    }

    /// Answers the value that was there.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.search(&key) {
            Ok(at) => self.0.get_mut(at).map(|(_, known)| std::mem::replace(known, value)),
            Err(at) => {
                self.0.insert(at, (key, value));
                None
            }
        }
    }

    pub(crate) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let at = self.search(key).ok()?;
        Some(self.0.remove(at).1)
    }

    pub(crate) fn first(&self) -> Option<(&K, &V)> {
        self.0.first().map(pair)
    }

    /// Takes the first entry out if its key is as asked.
    pub(crate) fn pop_first_if(&mut self, take: impl FnOnce(&K) -> bool) -> Option<(K, V)> {
        self.0.first().is_some_and(|(key, _)| take(key)).then(|| self.0.remove(0))
    }

    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        self.0.retain_mut(|(key, value)| keep(key, value));
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.0.iter().map(pair)
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &K> {
        self.0.iter().map(|(key, _)| key)
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.0.iter().map(|(_, value)| value)
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.0.iter_mut().map(|(_, value)| value)
    }

    pub(crate) fn into_keys(self) -> impl Iterator<Item = K> {
        self.0.into_iter().map(|(key, _)| key)
    }

    pub(crate) fn into_values(self) -> impl Iterator<Item = V> {
        self.0.into_iter().map(|(_, value)| value)
    }

    /// Entries from `key` on.
    pub(crate) fn range_from(&self, key: &K) -> impl Iterator<Item = (&K, &V)> {
        let at = self.search(key).unwrap_or_else(|at| at);
        self.0.get(at..).unwrap_or_default().iter().map(pair)
    }

    /// Where a key is, or belongs. Looks at the end first: most new keys are the largest.
    fn search<Q: Ord + ?Sized>(&self, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        if self.0.last().is_none_or(|(last, _)| last.borrow() < key) {
            return Err(self.0.len());
        }
        self.0.binary_search_by(|(known, _)| known.borrow().cmp(key))
    }
}

fn pair<K, V>((key, value): &(K, V)) -> (&K, &V) {
    (key, value)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_collects_as_a_tree_does(entries: Vec<(u8, u8)>) {
            let sorted: SortedMap<_, _> = entries.iter().copied().collect();
            let tree: BTreeMap<_, _> = entries.into_iter().collect();
            prop_assert!(sorted.iter().eq(tree.iter()));
        }

        #[test]
        fn it_holds_what_a_tree_holds(steps: Vec<(u8, u8)>, from: u8) {
            let (mut sorted, mut tree) = (SortedMap::default(), BTreeMap::new());
            for (step, key) in steps {
                match step % 6 {
                    0..3 => prop_assert_eq!(sorted.insert(key, step), tree.insert(key, step)),
                    3 => prop_assert_eq!(sorted.remove(&key), tree.remove(&key)),
                    4 => prop_assert_eq!(
                        sorted.get_or_insert_with(key, || step),
                        Some(tree.entry(key).or_insert(step))
                    ),
                    _ => {
                        let first = tree.first_key_value().is_some_and(|(first, _)| *first < key);
                        let first = first.then(|| tree.pop_first()).flatten();
                        prop_assert_eq!(sorted.pop_first_if(|first| *first < key), first);
                    }
                }
                prop_assert_eq!(sorted.get_key_value(&key), tree.get_key_value(&key));
                prop_assert_eq!(sorted.first(), tree.first_key_value());
                prop_assert!(sorted.iter().eq(tree.iter()));
                prop_assert!(sorted.range_from(&from).eq(tree.range(from..)));
            }
        }
    }
}
