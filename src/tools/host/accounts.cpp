// accounts: passwd(5) and group(5), or whatever nsswitch.conf(5) names.
#include "accounts.hpp"

#include <cerrno>

#include <grp.h>
#include <pwd.h>

namespace host {
namespace {

/// One of the `*_r` calls, with a buffer that grows until the entry fits.
template <class Entry, class Call>
std::optional<Entry> look_up(Call call, const std::string& name) {
    std::vector<char> buffer(1024);
    for (;;) {
        Entry entry{};
        Entry* found = nullptr;
        const int error = call(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
        if (error == ERANGE && buffer.size() < 1024 * 1024) {
            buffer.resize(buffer.size() * 2);
            continue;
        }
        if (error == EINTR) continue;
        if (!found) return {};
        return entry;
    }
}

} // namespace

system_names::system_names(std::vector<std::pair<std::string, vmsig::source>> own)
    : sources_{{"lifecycle", vmsig::source::lifecycle}, {"memory", vmsig::source::memory},
               {"lease", vmsig::source::lease},         {"command", vmsig::source::command},
               {"input", vmsig::source::input},         {"console", vmsig::source::console},
               {"screen", vmsig::source::screen}} {
    for (auto& s : own) sources_.push_back(std::move(s));
}

std::optional<uid_t> system_names::user(const std::string& name) const {
    const auto entry = look_up<passwd>(::getpwnam_r, name);
    return entry ? std::optional{entry->pw_uid} : std::nullopt;
}

std::optional<gid_t> system_names::group(const std::string& name) const {
    const auto entry = look_up<::group>(::getgrnam_r, name);
    return entry ? std::optional{entry->gr_gid} : std::nullopt;
}

} // namespace host
