// verbs: what each verb of vmsigctl does, one file each. Returns the code to exit with; throws
// `trouble`.
#pragma once

#include "context.hpp"

namespace ctl {

int list(context& c);
int info(context& c);
int monitor(context& c);
int memctx(context& c);
int mem_read(context& c);
int mem_write(context& c);
int lease_acquire(context& c);
int lease_release(context& c);
int lease_status(context& c);
int input_key(context& c);
int input_type(context& c);
int input_move(context& c);
int input_click(context& c);
int power(context& c);
int may(context& c);
int audit(context& c);
int stats(context& c);
int doctor(context& c);
int completion(context& c);

} // namespace ctl
