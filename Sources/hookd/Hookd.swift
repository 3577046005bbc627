import ArgumentParser

@main
struct Hookd: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "hookd", abstract: "Placeholder")
}
