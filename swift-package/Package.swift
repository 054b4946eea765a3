// swift-tools-version: 6.0
import PackageDescription

// The library below the Swift code. On Linux: a shared library, found with `-Xlinker -L<folder>`; `cargo tasks swift` puts the header
// and the generated code where they are looked for. Elsewhere: the framework that `cargo tasks xcframework` puts beside this manifest.
#if os(Linux)
let library = Target.systemLibrary(name: "DataTracksFFI")
#else
let library = Target.binaryTarget(name: "DataTracksFFI", path: "DataTracksFFI.xcframework")
#endif

let package = Package(
    name: "datatracks",
    platforms: [.iOS(.v13), .macOS(.v11)],
    products: [.library(name: "DataTracks", targets: ["DataTracks"])],
    targets: [
        library,
        .target(
            name: "DataTracks", dependencies: ["DataTracksFFI"], resources: [.copy("PrivacyInfo.xcprivacy")]),
        .target(name: "WireIntoYourSDK", dependencies: ["DataTracks"], path: "Examples/WireIntoYourSDK"),
        .executableTarget(name: "SensorPublisher", dependencies: ["WireIntoYourSDK"], path: "Examples/SensorPublisher"),
        .executableTarget(name: "Subscriber", dependencies: ["WireIntoYourSDK"], path: "Examples/Subscriber"),
        .executableTarget(name: "Participant", dependencies: ["WireIntoYourSDK"], path: "Tests/Participant"),
        .testTarget(name: "DataTracksTests", dependencies: ["SensorPublisher", "Subscriber", "WireIntoYourSDK"]),
    ],
    swiftLanguageModes: [.v6]
)
