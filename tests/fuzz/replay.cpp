// replay: runs a harness without a fuzzer, in any build: the files of its corpus, then inputs made
// from them and from nothing, the same ones every time.
//
//     vmsig-replay-<name> <folder of the corpus> <how many made inputs> <most bytes of one>
//
// When one breaks a rule, its bytes are printed as hexadecimal digits.
#include "harness.hpp"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

namespace {

using input = std::vector<std::uint8_t>;

/// Not the simulation's: a harness may have its own in that one's place.
struct chance {
    std::mt19937_64 next;
    std::size_t below(std::size_t n) { return next() % n; }
    bool percent(unsigned p) { return below(100) < p; }
};

input under_way;

/// Whether by an assertion, a rule, or a fault of the code itself.
void on_end(int signal) {
    std::fprintf(stderr, "signal %d, the input was ", signal);
    for (const std::uint8_t byte : under_way) std::fprintf(stderr, "%02x", byte);
    std::fputc('\n', stderr);
    std::_Exit(128 + signal);
}

void run(input bytes) {
    under_way = std::move(bytes);
    LLVMFuzzerTestOneInput(under_way.data(), under_way.size());
}

std::vector<input> read(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator{folder})
        files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    std::vector<input> all;
    for (const auto& path : files) {
        std::ifstream file{path, std::ios::binary};
        all.emplace_back(std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{});
    }
    return all;
}

/// One of the corpus with some bytes changed, some left out and some of another put in; or, one
/// time in four, anything.
input make(const std::vector<input>& corpus, std::size_t most, chance& dice) {
    if (corpus.empty() || dice.percent(25)) {
        input any(dice.below(most + 1));
        for (std::uint8_t& byte : any) byte = static_cast<std::uint8_t>(dice.next());
        return any;
    }
    const auto at = [&dice](const input& in) {
        return static_cast<std::ptrdiff_t>(dice.below(in.size() + 1));
    };
    input made = corpus[dice.below(corpus.size())];
    if (dice.percent(50)) {
        const auto [from, to] = std::minmax({at(made), at(made)});
        made.erase(made.begin() + from, made.begin() + to);
    }
    if (dice.percent(50)) {
        const input& other = corpus[dice.below(corpus.size())];
        const auto [from, to] = std::minmax({at(other), at(other)});
        made.insert(made.begin() + at(made), other.begin() + from, other.begin() + to);
    }
    for (std::size_t n = dice.below(8); n > 0 && !made.empty(); --n)
        made[dice.below(made.size())] = static_cast<std::uint8_t>(dice.next());
    made.resize(std::min(made.size(), most));
    return made;
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) std::signal(signal, on_end);
    const std::vector<input> corpus = read(argv[1]);
    const unsigned long count = std::strtoul(argv[2], nullptr, 10);
    const unsigned long most = std::strtoul(argv[3], nullptr, 10);
    chance dice;
    for (const input& file : corpus) run(file);
    for (unsigned long n = 0; n < count; ++n) run(make(corpus, most, dice));
    std::printf("%zu files, %lu made inputs\n", corpus.size(), count);
    return corpus.empty() ? 1 : 0;
}
