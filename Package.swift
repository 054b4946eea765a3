// swift-tools-version: 6.0
import PackageDescription

// For those who take the package by its URL. The package itself, with its examples and tests, is in swift-package/.
#if os(Linux)
  let library = Target.systemLibrary(
    name: "DataTracksFFI", path: "swift-package/Sources/DataTracksFFI")
#else
  let library = Target.binaryTarget(
    name: "DataTracksFFI", path: "swift-package/DataTracksFFI.xcframework")
#endif

let package = Package(
  name: "datatracks",
  platforms: [.iOS(.v13), .macOS(.v11), .tvOS(.v13), .watchOS(.v6), .visionOS(.v1)],
  products: [.library(name: "DataTracks", targets: ["DataTracks"])],
  targets: [
    library,
    .target(
      name: "DataTracks", dependencies: ["DataTracksFFI"], path: "swift-package/Sources/DataTracks"),
  ],
  swiftLanguageModes: [.v6]
)
