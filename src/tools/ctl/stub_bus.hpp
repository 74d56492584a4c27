// stub_bus: a bus of this process's own with two stub machines, served to it on a thread. For
// trying things out, and for tests: it begins anew with each run.
#pragma once

#include <memory>
#include <string>

namespace ctl {

class stub_bus {
public:
    stub_bus();
    ~stub_bus();
    stub_bus(const stub_bus&) = delete;
    stub_bus& operator=(const stub_bus&) = delete;

    std::string path() const;
    /// Nobody else connects from now on, and nothing is left in the file system.
    void hide();

private:
    struct parts;
    std::unique_ptr<parts> parts_;
};

} // namespace ctl
