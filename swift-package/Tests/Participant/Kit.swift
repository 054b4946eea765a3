// What both rooms take: lines in and out, keys, and what a connection brings.

import DataTracks
import Foundation
import WireIntoYourSDK

extension PlainConnection {
    /// Hands everything that comes to a session.
    func receive(into session: DataTrackSession) {
        receive { kind, bytes in
            switch kind {
            case .signal: try? session.received(signal: bytes)
            case .packet: session.received(packet: bytes)
            case .hello, .control: break
            }
        }
    }
}

/// None for no material.
func keyRing(_ derivation: KeyDerivation, _ material: Data) throws -> KeyRing? {
    guard !material.isEmpty else { return nil }
    let keys = try KeyRing(options: KeyRingOptions(derivation: derivation))
    try keys.setSharedKey(material: material, keyIndex: 0)
    return keys
}

/// What comes in, read on a thread that may block.
func lines() -> AsyncStream<String> {
    AsyncStream { continuation in
        Thread.detachNewThread {
            while let line = readLine() {
                continuation.yield(line)
            }
            continuation.finish()
        }
    }
}

/// Not by `print`: to flush what it writes takes the global `stdout`, which strict concurrency does not allow.
func say(_ words: any CustomStringConvertible...) {
    let line = words.map(\.description).joined(separator: " ") + "\n"
    output.withLock { FileHandle.standardOutput.write(Data(line.utf8)) }
}

private let output = NSLock()
