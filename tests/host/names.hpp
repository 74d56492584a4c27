// The names that grants files of the tests may use, and peers that are what a test says.
#pragma once

#include <initializer_list>

#include <host/grants.hpp>

namespace vmsig::test {

struct few_names : host::name_book {
    std::optional<uid_t> user(const std::string& name) const override {
        if (name == "alice") return 1000;
        if (name == "bob") return 1001;
        return {};
    }
    std::optional<gid_t> group(const std::string& name) const override {
        if (name == "operators") return 200;
        return {};
    }
    const std::vector<std::pair<std::string, source>>& sources() const override { return known; }

    std::vector<std::pair<std::string, source>> known{
        {"lifecycle", source::lifecycle}, {"console", source::console}, {"tick", source{16}}};
};

inline peer_identity peer(uid_t uid, gid_t gid = 100, std::initializer_list<gid_t> groups = {}) {
    peer_identity p;
    p.uid = uid;
    p.gid = gid;
    for (const gid_t g : groups) p.groups[p.group_count++] = g;
    return p;
}

} // namespace vmsig::test
