// The version of hookd, in the one place that says it.

/// The version of this build (https://semver.org), as `hookd --version` prints it.
public let hookdVersion = "0.1.0"
