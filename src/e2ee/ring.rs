//! Which key is whose (protocol §6.4), and how far each publisher has ratcheted it (§6.3).
//!
//! A frame is opened with the participant's own key where the host has set one, else with the one to which that publisher
//! has ratcheted the shared key, else with the shared key; always at the index that the frame names. Each of them is the
//! front of a chain that keeps what was derived while a frame did not open:
//!
//! ```text
//!            advance: a frame opened with it
//!         ┌────────┐
//!       front · ahead 1 · ahead 2 · … · ahead w
//!         ▲                               ▲
//!        set: a new chain                learn: derived once, kept
//! ```
//! So a flood of frames that nobody can open costs at most `window` derivations a key, ever. What a publisher sends moves
//! only its own place: the shared key, and so what is sealed with it, is moved by the host alone.

use std::sync::Arc;

use super::{AesKey, Generation};
use crate::{
    error::{DecryptionError, EncryptionError, KeyRingError},
    options::KeyRingOptions,
    sorted::SortedMap,
};

/// Keys by index: shared ones, and those of participants.
#[derive(Debug)]
pub struct Ring {
    size: u32,
    window: usize,
    sealing_index: u8,
    shared: Chains,
    participants: SortedMap<Box<str>, Chains>,
    /// Publishers that have ratcheted the shared key further than the host has, as a frame of theirs has proved.
    ahead_of_shared: SortedMap<Box<str>, Chains>,
}

/// By key index.
type Chains = SortedMap<u8, Chain>;

/// A key and some that follow it.
#[derive(Debug)]
struct Chain {
    front: Arc<Generation>,
    ahead: Vec<Arc<Generation>>,
}

impl Ring {
    /// A ring without keys.
    ///
    /// # Errors
    ///
    /// [`KeyRingError::InvalidOptions`] when the size is not 1 to 256 or the window is beyond 255.
    pub fn new(options: &KeyRingOptions) -> Result<Self, KeyRingError> {
        let (size, window) = (options.ring_size, options.ratchet_window);
        if size == 0 || size > MAX_SIZE || window > MAX_WINDOW {
            return Err(KeyRingError::InvalidOptions);
        }
        Ok(Self {
            size,
            window: window as usize,
            sealing_index: 0,
            shared: Chains::default(),
            participants: SortedMap::default(),
            ahead_of_shared: SortedMap::default(),
        })
    }

    /// How many ratchet steps to try when a frame does not open.
    pub fn window(&self) -> usize {
        self.window
    }

    /// Whether the ring has this index. Other SDKs wrap one that it has not (protocol §6.4), and then disagree about it.
    ///
    /// # Errors
    ///
    /// [`KeyRingError::InvalidKeyIndex`] when it has not.
    pub fn check_index(&self, key_index: u8) -> Result<(), KeyRingError> {
        match u32::from(key_index) < self.size {
            true => Ok(()),
            false => Err(KeyRingError::InvalidKeyIndex { key_index, ring_size: self.size }),
        }
    }

    /// Chooses the index with which frames are sealed.
    ///
    /// # Errors
    ///
    /// As [`check_index`](Self::check_index).
    pub fn set_key_index(&mut self, key_index: u8) -> Result<(), KeyRingError> {
        self.check_index(key_index)?;
        self.sealing_index = key_index;
        Ok(())
    }

    /// Sets a participant's key, or the shared one.
    ///
    /// # Errors
    ///
    /// As [`check_index`](Self::check_index).
    pub fn set(
        &mut self,
        identity: Option<&str>,
        key_index: u8,
        key: Generation,
    ) -> Result<(), KeyRingError> {
        self.check_index(key_index)?;
        let chains = match identity {
            Some(identity) => {
                self.participants.get_or_insert_with(identity.into(), Chains::default)
            }
            None => {
                self.ahead_of_shared.retain(|_, chains| {
                    chains.remove(&key_index);
                    !chains.is_empty()
                });
                Some(&mut self.shared)
            }
        };
        let chain = Chain { front: Arc::new(key), ahead: Vec::new() };
        chains.map(|chains| chains.insert(key_index, chain));
        Ok(())
    }

    /// The key that the host has set or ratcheted to.
    ///
    /// # Errors
    ///
    /// [`KeyRingError::KeyMissing`] when there is none, and as [`check_index`](Self::check_index).
    pub fn key(
        &self,
        identity: Option<&str>,
        key_index: u8,
    ) -> Result<&Arc<Generation>, KeyRingError> {
        self.check_index(key_index)?;
        let chains = match identity {
            Some(identity) => self.participants.get(identity),
            None => Some(&self.shared),
        };
        let chain = chains.and_then(|chains| chains.get(&key_index));
        chain.map(|chain| &chain.front).ok_or(KeyRingError::KeyMissing { key_index })
    }

    /// The key to seal with, and its index: that of `identity` where there is one, else the shared one.
    ///
    /// # Errors
    ///
    /// [`EncryptionError::KeyMissing`] when there is neither.
    pub fn sealing_key(
        &self,
        identity: Option<&str>,
    ) -> Result<(u8, Arc<AesKey>), EncryptionError> {
        let key_index = self.sealing_index;
        let key = self.key(identity, key_index).or_else(|_| self.key(None, key_index));
        let key = key.map_err(|_| EncryptionError::KeyMissing { key_index })?;
        Ok((key_index, Arc::clone(key.key())))
    }

    /// The key to open a frame of `publisher` with.
    ///
    /// # Errors
    ///
    /// [`DecryptionError::KeyMissing`] when there is none.
    pub fn opening_key(
        &self,
        publisher: &str,
        key_index: u8,
    ) -> Result<&Arc<Generation>, DecryptionError> {
        let chain = self.opening_chain(publisher, key_index);
        chain.map(|chain| &chain.front).ok_or(DecryptionError::KeyMissing { key_index })
    }

    /// The key one ratchet step after `key`, if it was derived before.
    pub fn known_after(
        &self,
        publisher: &str,
        key_index: u8,
        key: &Arc<Generation>,
    ) -> Option<&Arc<Generation>> {
        self.opening_chain(publisher, key_index)?.after(key)
    }

    /// Keeps `next`, the key one ratchet step after `key`, unless the chain has changed meanwhile.
    pub fn learn(
        &mut self,
        publisher: &str,
        key_index: u8,
        key: &Arc<Generation>,
        next: &Arc<Generation>,
    ) {
        let chains = [
            self.participants.get_mut(publisher),
            self.ahead_of_shared.get_mut(publisher),
            Some(&mut self.shared),
        ];
        let mut chains = chains.into_iter().flatten();
        if let Some(chain) = chains.find_map(|chains| chains.get_mut(&key_index))
            && Arc::ptr_eq(chain.last(), key)
        {
            chain.ahead.push(Arc::clone(next));
        }
    }

    /// A frame of `publisher` opened with `key`, found ahead: from now on it is the first that is tried.
    pub fn advance(&mut self, publisher: &str, key_index: u8, key: &Arc<Generation>) {
        let chain = self.opening_chain(publisher, key_index);
        let Some(advanced) = chain.and_then(|chain| chain.from(key)) else { return };
        let own =
            self.participants.get_mut(publisher).and_then(|chains| chains.get_mut(&key_index));
        if let Some(chain) = own {
            *chain = advanced;
            return;
        }
        if self.ahead_of_shared.len() >= MAX_AHEAD_OF_SHARED {
            self.ahead_of_shared.clear();
        }
        let ahead = self.ahead_of_shared.get_or_insert_with(publisher.into(), Chains::default);
        ahead.map(|chains| chains.insert(key_index, advanced));
    }

    fn opening_chain(&self, publisher: &str, key_index: u8) -> Option<&Chain> {
        let chains = [
            self.participants.get(publisher),
            self.ahead_of_shared.get(publisher),
            Some(&self.shared),
        ];
        chains.into_iter().flatten().find_map(|chains| chains.get(&key_index))
    }
}

impl Chain {
    fn last(&self) -> &Arc<Generation> {
        self.ahead.last().unwrap_or(&self.front)
    }

    fn after(&self, key: &Arc<Generation>) -> Option<&Arc<Generation>> {
        let mut keys = std::iter::once(&self.front).chain(&self.ahead);
        keys.find(|known| Arc::ptr_eq(known, key))?;
        keys.next()
    }

    /// The chain without what is before `key`.
    fn from(&self, key: &Arc<Generation>) -> Option<Self> {
        let mut ahead = self.ahead.iter().skip_while(|known| !Arc::ptr_eq(known, key)).cloned();
        Some(Self { front: ahead.next()?, ahead: ahead.collect() })
    }
}

/// One byte names a key on the wire (protocol §1.4).
const MAX_SIZE: u32 = 256;

/// As wide as a key index: what other SDKs take (protocol §6.3 knows 0 to 16 in use).
const MAX_WINDOW: u32 = 255;

/// Rooms with more such publishers than this begin anew with the shared key, and find each again by its next frame.
const MAX_AHEAD_OF_SHARED: usize = 1024;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{e2ee::Derivation, options::KeyDerivation};

    #[test]
    fn of_two_that_derived_the_next_key_one_is_kept() {
        let mut ring = Ring::new(&KeyRingOptions::default()).unwrap();
        let derivation = Derivation::new(KeyDerivation::Hkdf, None);
        ring.set(None, 0, derivation.derive(b"secret")).unwrap();
        let key = Arc::clone(ring.opening_key("alice", 0).unwrap());
        let [one, another] = [0, 1].map(|_| Arc::new(derivation.ratchet(&key)));
        ring.learn("alice", 0, &key, &one);
        ring.learn("alice", 0, &key, &another);
        assert!(Arc::ptr_eq(ring.known_after("alice", 0, &key).unwrap(), &one));
        assert!(ring.known_after("alice", 0, &one).is_none());
    }

    #[test]
    fn p10_of_those_who_are_ahead_of_the_shared_key_no_more_are_kept_than_1024() {
        let mut ring = Ring::new(&KeyRingOptions::default()).unwrap();
        let derivation = Derivation::new(KeyDerivation::Hkdf, None);
        ring.set(None, 0, derivation.derive(b"secret")).unwrap();
        let key = Arc::clone(ring.opening_key("", 0).unwrap());
        let next = Arc::new(derivation.ratchet(&key));
        ring.learn("", 0, &key, &next);
        for number in 0..3_000 {
            let publisher = number.to_string();
            ring.advance(&publisher, 0, &next);
            assert_eq!(ring.ahead_of_shared.len(), number % 1_024 + 1, "none goes before that");
            assert!(Arc::ptr_eq(ring.opening_key(&publisher, 0).unwrap(), &next));
        }
    }
}
