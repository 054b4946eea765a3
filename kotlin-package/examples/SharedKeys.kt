package examples

import io.datatracks.KeyDerivation
import io.datatracks.KeyRing
import io.datatracks.KeyRingOptions

/**
 * Keys for a room whose tracks are sealed: its providers are `encryption` and `decryption` of [RoomDataTracks]. Who shares the passphrase reads
 * them, in any LiveKit SDK, and nobody else does, the SFU included.
 */
fun sharedKeys(passphrase: String): KeyRing =
    KeyRing(KeyRingOptions(KeyDerivation.PBKDF2)).apply { setSharedKey(passphrase.toByteArray(), 0u) }
