/* What a program in C does with the client; run by client.test.cpp against a served bus. Each
 * returns 0, or the number of the line whose check failed. */
#ifndef VMSIG_TESTS_C_CLIENT_STORY_H
#define VMSIG_TESTS_C_CLIENT_STORY_H

#ifdef __cplusplus
extern "C" {
#endif

int story_of_a_command(const char* socket);
int story_of_leases(const char* socket);
int story_of_memory(const char* socket);
int story_of_many_commands(const char* socket);
int story_of_what_one_may(const char* socket);
int story_of_an_operator(const char* socket);
int story_of_another_connection(const char* socket);

#ifdef __cplusplus
}
#endif

#endif
