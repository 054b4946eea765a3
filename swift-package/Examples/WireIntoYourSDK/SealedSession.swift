import DataTracks
import Foundation

extension DataTrackSession {
    /// A session whose tracks are sealed. Who shares the passphrase reads them, in any LiveKit SDK, and nobody else does, the SFU included.
    public static func sealed(
        by passphrase: String, transport: any DataTrackTransport, identity: String? = nil
    ) throws -> DataTrackSession {
        let keys = try KeyRing(options: KeyRingOptions(derivation: .pbkdf2))
        try keys.setSharedKey(material: Data(passphrase.utf8), keyIndex: 0)
        return DataTrackSession(
            transport: transport,
            identity: identity,
            encryption: keys.encryptionProvider(),
            decryption: keys.decryptionProvider())
    }
}
