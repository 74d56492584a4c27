// A journal for tests: a datagram socket in a folder of its own, and a strict reader of the native
// protocol (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/), written apart from the sink.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <vector>

#include <support/catch.hpp>

#include <vmsig/base/unique_fd.hpp>

namespace vmsig::test {

/// Field name -> value.
using journal_entry = std::map<std::string, std::string>;

inline bool is_field_name(std::string_view name) {
    if (name.empty() || name.size() > 64 || !(name[0] >= 'A' && name[0] <= 'Z')) return false;
    return name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == name.npos;
}

/// Nothing unless `bytes` is one whole entry, with no field twice.
inline std::optional<journal_entry> read_entry(std::string_view bytes) {
    journal_entry entry;
    while (!bytes.empty()) {
        const std::size_t end = bytes.find('\n');
        if (end == bytes.npos) return {};
        const std::string_view line = bytes.substr(0, end);
        bytes.remove_prefix(end + 1);
        const std::size_t sign = line.find('=');
        std::string_view value = line.substr(sign == line.npos ? line.size() : sign + 1);
        if (sign == line.npos) { // the length, 64 bits, little-endian, then so many bytes
            if (bytes.size() < 8) return {};
            std::uint64_t length = 0;
            for (unsigned i = 8; i-- > 0;)
                length = length << 8 | static_cast<unsigned char>(bytes[i]);
            bytes.remove_prefix(8);
            if (length >= bytes.size() || bytes[length] != '\n') return {};
            value = bytes.substr(0, length);
            bytes.remove_prefix(length + 1);
        }
        const std::string_view name = line.substr(0, sign);
        if (!is_field_name(name) || !entry.emplace(name, value).second) return {};
    }
    if (entry.empty()) return {};
    return entry;
}

class fake_journal {
public:
    enum state { listening, absent };

    explicit fake_journal(state s = listening) {
        std::string name =
            (std::filesystem::temp_directory_path() / "vmsig-journal-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        folder_ = name;
        if (s == listening) start();
    }
    fake_journal(const fake_journal&) = delete;
    fake_journal& operator=(const fake_journal&) = delete;
    ~fake_journal() {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }

    std::string path() const { return folder_ + "/socket"; }
    /// In the place of an earlier one.
    void start() {
        ::unlink(path().c_str());
        socket_ = unique_fd{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
        sockaddr_un at{};
        at.sun_family = AF_UNIX;
        REQUIRE(path().size() < sizeof at.sun_path);
        path().copy(at.sun_path, sizeof at.sun_path - 1);
        REQUIRE(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0);
    }
    /// Closes the socket and leaves its name.
    void crash() { socket_.reset(); }

    std::optional<std::string> datagram() {
        std::array<char, 4096> bytes;
        const ssize_t n = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
        if (n < 0) return {};
        return std::string(bytes.data(), static_cast<std::size_t>(n));
    }
    /// Appends the entries that came; one that is malformed fails the test. How many there were.
    std::size_t read(std::vector<journal_entry>& entries) {
        std::size_t count = 0;
        while (const auto bytes = datagram()) {
            const auto entry = read_entry(*bytes);
            if (!entry) FAIL("no entry: " << *bytes);
            entries.push_back(*entry);
            ++count;
        }
        return count;
    }

private:
    std::string folder_;
    unique_fd socket_;
};

} // namespace vmsig::test
