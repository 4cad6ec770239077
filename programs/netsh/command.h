/*
 * Carrying out netsh's commands on port exclusions
 *
 * Copyright 2026 the wine-portres authors
 *
 * This library is free software; you can redistribute it and/or
 * modify it under the terms of the GNU Lesser General Public
 * License as published by the Free Software Foundation; either
 * version 2.1 of the License, or (at your option) any later version.
 */

#ifndef PORTRES_NETSH_COMMAND_H
#define PORTRES_NETSH_COMMAND_H

#include "parser.h"

/* Carry out a command, or say why not. Returns the exit code of netsh. */
extern int netsh_run( const struct netsh_command *command );

#endif /* PORTRES_NETSH_COMMAND_H */
