/* The client is usable from C by its name alone. Nobody has to be there to say so. */
#include <stdio.h>
#include <string.h>

#include <vmsig/client.h>

int main(void) {
    struct vmsig_client* bus = NULL;
    struct vmsig_client_error why = VMSIG_CLIENT_ERROR_INIT;
    enum vmsig_result r = vmsig_client_connect("/nonexistent/vmsig.sock", NULL, &bus, &why);
    printf("%s: %s: %s\n", vmsig_result_name(r), why.operation, strerror(why.error));
    return r == VMSIG_ERROR_SYSTEM && bus == NULL ? 0 : 1;
}
