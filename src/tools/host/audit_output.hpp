// audit_output: the audit of the host. The last records stay in memory, for controls with the right
// `admin`; each is also a line of JSON in a file, when the configuration names one. There a line at
// each start tells the runs apart, whose times and numbers all begin anew. A policy made of two of
// the library's.
#pragma once

#include <string>

#include <vmsig/audit/ring_sink.hpp>
#include <vmsig/base/expected.hpp>
#include <vmsig/guest/json_lines_sink.hpp>

namespace host {

class audit_output {
public:
    /// Without a descriptor only the last records are kept.
    explicit audit_output(vmsig::unique_fd lines = {})
        : writes_{lines}
        , lines_{std::move(lines)} {}

    bool reserve(unsigned, unsigned) noexcept { return true; }
    void refund(unsigned, unsigned) noexcept {}
    bool write(const vmsig::audit_record& r, vmsig::audit_room room) noexcept {
        last_.write(r, room);
        return !writes_ || lines_.write(r, room);
    }
    bool end_turn() noexcept { return writes_ && lines_.end_turn(); }
    template <class F>
    void for_each_last(std::size_t n, F&& f) const {
        last_.for_each_last(n, std::forward<F>(f));
    }

    /// A line that is no record: of which run those after it are, the first with that number.
    /// False, and errno says why: it is not there.
    bool begin_run(std::uint64_t next_number);
    /// Goes on in another file: after a rotation.
    void replace(vmsig::unique_fd lines) noexcept {
        writes_ = static_cast<bool>(lines);
        lines_.replace(std::move(lines));
    }
    void flush() noexcept {
        if (writes_) lines_.flush();
    }
    std::uint64_t lost() const { return lines_.lost(); }

private:
    vmsig::ring_sink<4096> last_;
    bool writes_;
    vmsig::json_lines_sink lines_;
};

/// A file to append to, or for "-" standard output; for "" none. In a sentence, why not.
vmsig::expected<vmsig::unique_fd, std::string> open_audit(const std::string& path);

} // namespace host
