/* client.h: all of libvmsig-client, for C11 and C++. */
#ifndef VMSIG_CLIENT_H
#define VMSIG_CLIENT_H

#include <vmsig/client/c_api.h>

#endif
