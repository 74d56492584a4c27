// journal_sink: writes each audit record to systemd's journal, one datagram of its native protocol
// each, at once and without ever waiting or linking anything. What the journal does not take (full,
// restarting, not there) stays in a bounded backlog, in order, and goes with a later record, at the
// end of a turn, or with `flush`: each datagram is addressed by path, so that a journal that comes
// back is found again.
//
// The backlog is the room policy. With `lossy_backlog` there is always room to act: when it is full
// records are lost, and the auditor says how many. With a fail_closed_sink as the backlog a control
// whose share is full is refused, and nothing that was admitted is lost.
//
// Source of the format: https://systemd.io/JOURNAL_NATIVE_PROTOCOL/
#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <string_view>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>
#include <system_error>

#include <vmsig/audit/fail_closed_sink.hpp>
#include <vmsig/audit/names.hpp>
#include <vmsig/audit/render.hpp>
#include <vmsig/audit/sink.hpp>
#include <vmsig/base/os_error.hpp>
#include <vmsig/base/unique_fd.hpp>

namespace vmsig {

/// Longer ones are cut.
inline constexpr std::size_t max_journal_identifier_bytes = 64;
/// Bytes that any record fits in, with any identifier.
inline constexpr std::size_t max_journal_datagram_bytes = 1024;
inline constexpr std::string_view journal_socket_path = "/run/systemd/journal/socket";

namespace detail {

/// Appends fields while they fit.
class journal_fields {
public:
    constexpr explicit journal_fields(std::span<char> out)
        : out_{out} {}

    /// KEY=text in a line, or by its length where a line could not hold it. `keys` are fixed words
    /// of letters and underscores, `text` may be anything.
    constexpr void field(std::string_view prefix, std::string_view key, std::string_view text) {
        upper(prefix);
        upper(key);
        if (text.find('\n') == text.npos) {
            put('=');
        } else {
            put('\n');
            for (unsigned byte = 0; byte < 8; ++byte)
                put(static_cast<char>(text.size() >> 8 * byte & 0xff));
        }
        words(text);
        put('\n');
    }
    constexpr void field(std::string_view prefix, std::string_view key, std::uint64_t number) {
        upper(prefix);
        upper(key);
        put('=');
        digits(number);
        put('\n');
    }
    /// A piece of a line that the caller began and ends.
    constexpr void words(std::string_view text) {
        for (const char c : text) put(c);
    }
    constexpr void digits(std::uint64_t n) {
        char reversed[20]{};
        unsigned length = 0;
        do {
            reversed[length++] = static_cast<char>('0' + n % 10);
        } while ((n /= 10) != 0);
        while (length > 0) put(reversed[--length]);
    }
    constexpr std::size_t size() const { return fits_ ? size_ : 0; }

private:
    constexpr void put(char c) {
        fits_ = fits_ && size_ < out_.size();
        if (fits_) out_[size_++] = c;
    }
    constexpr void upper(std::string_view word) {
        for (const char c : word) put('a' <= c && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
    }

    std::span<char> out_;
    std::size_t size_ = 0;
    bool fits_ = true;
};

} // namespace detail

/// Of syslog: 4 (warning) for what an operator should look at, 5 (notice) for a refusal, else 6.
constexpr unsigned journal_priority(const audit_record& r) {
    if (r.what == decision::lost || r.what == decision::adapter_quarantined) return 4;
    return traits_of(r.what).verdict == verdict_kind::refusal && r.verdict != 0 ? 5 : 6;
}

/// Writes the fields of one entry and returns their length; 0 if `out` is too small (its content is
/// then unspecified). The same words as `render_json`: MESSAGE is made of them, and each has a
/// field VMSIG_<KEY> of its own. Ids, numbers and flags of 0 are left out, and an empty identifier.
constexpr std::size_t render_journal(const audit_record& r, std::string_view identifier,
                                     std::span<char> out) {
    const decision_traits& traits = traits_of(r.what);
    const std::string_view decided = // "": known by its number alone
        static_cast<unsigned>(r.what) < decision_count ? traits.name : std::string_view{};
    const bool has_verdict = traits.verdict != verdict_kind::none || r.verdict != 0;
    const bool has_subject = traits.subject != subject_kind::none || r.subject != 0;
    const std::string_view detail_key = traits.detail.empty() ? "detail" : traits.detail;
    detail::journal_fields entry{out};
    const auto say = [&entry](std::string_view before, std::string_view name, std::uint8_t number) {
        entry.words(before);
        if (name.empty()) return entry.digits(number);
        entry.words(name);
    };
    say("MESSAGE=", decided, static_cast<std::uint8_t>(r.what));
    if (has_subject) say(" ", subject_name(r), r.subject);
    if (has_verdict) say(" ", verdict_name(r), r.verdict);
    if (r.detail != 0) {
        entry.words(" ");
        entry.words(detail_key);
        entry.words(" ");
        entry.digits(r.detail);
    }
    entry.words("\n");
    entry.field("", "PRIORITY", std::uint64_t{journal_priority(r)});
    if (!identifier.empty()) entry.field("", "SYSLOG_IDENTIFIER", identifier);

    const auto number = [&entry](std::string_view key, std::uint64_t n) {
        if (n != 0) entry.field("VMSIG_", key, n);
    };
    const auto word = [&entry](std::string_view key, std::string_view name, std::uint8_t n) {
        if (name.empty()) return entry.field("VMSIG_", key, std::uint64_t{n});
        entry.field("VMSIG_", key, name);
    };
    entry.field("VMSIG_", "number", r.number);
    entry.field("VMSIG_", "time_ns", static_cast<std::uint64_t>(r.time.ns));
    word("decision", decided, static_cast<std::uint8_t>(r.what));
    if (has_verdict) word(detail::key_of(traits.verdict), verdict_name(r), r.verdict);
    if (has_subject) word(detail::key_of(traits.subject), subject_name(r), r.subject);
    number("origin", r.origin.value);
    number("endpoint", r.endpoint.value);
    number("epoch", r.epoch.value);
    number("serial", r.serial.value);
    number("correlation", r.correlation.value);
    number("flags", r.flags);
    number(detail_key, r.detail);
    return entry.size();
}

/// The system call of the sink, as a policy: a test passes another one to make it fail.
struct journal_calls {
    static ssize_t send(int fd, std::span<const char> bytes, const sockaddr_un& to) noexcept {
        return ::sendto(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                        reinterpret_cast<const sockaddr*>(&to), sizeof to);
    }
};

/// Room for the last N records, whoever causes them; what comes to a full one is lost.
template <std::size_t N = 1024>
class lossy_backlog {
    static_assert(N > 0);

public:
    lossy_backlog() {} // written out: else value-initialisation would touch all of it
    bool reserve(unsigned, unsigned) noexcept { return true; }
    void refund(unsigned, unsigned) noexcept {}
    bool write(const audit_record& r, audit_room) noexcept {
        if (size_ == N) return false;
        ::new (&cells_[(head_ + size_++) % N].record) audit_record(r);
        return true;
    }
    std::size_t size() const { return size_; }
    template <class F>
    std::size_t drain(F&& f, std::size_t most) {
        std::size_t drained = 0;
        for (; drained < most && size_ > 0; ++drained, --size_) {
            f(cells_[head_].record);
            head_ = (head_ + 1) % N;
        }
        return drained;
    }

private:
    union cell { // not initialised: memory that is not used is not touched
        cell() {}
        audit_record record;
    };
    std::size_t head_ = 0;
    std::size_t size_ = 0;
    std::array<cell, N> cells_;
};

template <audit_sink Backlog = lossy_backlog<>, class Calls = journal_calls>
class basic_journal_sink {
public:
    /// Datagrams sent at a time, while there are records waiting and the journal takes them.
    static constexpr std::size_t burst = 16;

    /// The journal need not be there. Throws std::system_error: no socket, or a path too long.
    explicit basic_journal_sink(std::string_view identifier = "vmsig",
                                std::string_view path = journal_socket_path)
        : fd_{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)}
        , identifier_length_{std::min(identifier.size(), identifier_.size())} {
        if (!fd_) throw std::system_error{errno, std::generic_category(), "socket"};
        if (path.size() >= sizeof to_.sun_path)
            throw std::system_error{ENAMETOOLONG, std::generic_category(), "journal socket"};
        to_.sun_family = AF_UNIX;
        std::copy(path.begin(), path.end(), to_.sun_path);
        std::copy_n(identifier.begin(), identifier_length_, identifier_.begin());
    }
    basic_journal_sink(const basic_journal_sink&) = delete;
    basic_journal_sink& operator=(const basic_journal_sink&) = delete;

    bool reserve(unsigned share, unsigned records) noexcept {
        if (backlog_.reserve(share, records)) return true;
        flush(burst); // or nothing ever would, once nobody is admitted
        return backlog_.reserve(share, records);
    }
    void refund(unsigned share, unsigned records) noexcept { backlog_.refund(share, records); }
    /// False, and counted: the backlog has no room. What is accepted is never dropped.
    bool write(const audit_record& r, audit_room from) noexcept {
        if (!backlog_.write(r, from)) {
            flush(burst);
            if (!backlog_.write(r, from)) {
                ++lost_;
                return false;
            }
        }
        flush(burst);
        return true;
    }
    /// Sends what is waiting, oldest first, until the journal takes no more: from a timer, or in
    /// each turn, and before the end. Costs nothing when nothing waits. The destructor does not: a
    /// forked child would repeat the records.
    void flush(std::size_t most = ~std::size_t{0}) noexcept {
        for (; most > 0 && next(); --most) {
            char bytes[max_journal_datagram_bytes];
            const std::size_t length =
                render_journal(held_, {identifier_.data(), identifier_length_}, bytes);
            if (Calls::send(fd_.get(), {bytes, length}, to_) < 0) {
                if (errno == EINTR) continue;
                error_ = os_error::last("sendto");
                return;
            }
            holding_ = false;
            error_ = {};
        }
    }
    /// At the end of a turn: at most one burst. True: something is still waiting.
    bool end_turn() noexcept {
        flush(burst);
        return waiting() != 0;
    }

    /// Of the last datagram: 0 when the journal took it, ENOENT or ECONNREFUSED when there is none,
    /// EAGAIN when it is slow.
    const os_error& error() const { return error_; }
    std::uint64_t lost() const { return lost_; }
    /// Records accepted and not yet sent.
    std::size_t waiting() const { return backlog_.size() + (holding_ ? 1 : 0); }

private:
    /// Takes the oldest record in hand, where it stays until it is sent; its room is free by then.
    bool next() noexcept {
        if (!holding_)
            holding_ = backlog_.drain([this](const audit_record& r) { held_ = r; }, 1) > 0;
        return holding_;
    }

    unique_fd fd_;
    os_error error_;
    std::uint64_t lost_ = 0;
    sockaddr_un to_{};
    std::array<char, max_journal_identifier_bytes> identifier_{};
    std::size_t identifier_length_;
    bool holding_ = false;
    audit_record held_;
    Backlog backlog_;
};

using journal_sink = basic_journal_sink<>;
using fail_closed_journal_sink = basic_journal_sink<fail_closed_sink<>>;
static_assert(audit_sink<journal_sink> && audit_sink<fail_closed_journal_sink>);

} // namespace vmsig
