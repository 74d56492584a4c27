// narrator: who takes down what happens in the story. In the host it is the timeline; in a process
// of the operator's own it sends all to the host, whose timeline has it then.
#pragma once

#include <string_view>

namespace demo {

class narrator {
public:
    /// Something that happened, by whom.
    virtual void say(std::string_view who, std::string_view what) = 0;
    /// Something that must hold, by who has looked; false makes the whole demo fail.
    virtual bool check(bool held, std::string_view who, std::string_view what) = 0;
    /// Whether something did not hold: nobody waits for anything then.
    virtual bool failed() const = 0;

protected:
    ~narrator() = default;
};

} // namespace demo
