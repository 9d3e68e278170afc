# The last exec of a container's init, for amd64. labcore/trampoline.py says why and holds the assembled bytes.
#
# On entry the stack reads, from rsp upwards: argc, argv[0], argv[1], ..., 0, envp[0], ..., 0.
# It takes the system call number in eax and arguments in rdi, rsi, rdx; syscall(2) keeps every register
# but rax, rcx and r11.

        .intel_syntax noprefix
        .section .note.GNU-stack, "", @progbits
        .text
        .globl  _start
_start: mov     r12, [rsp]              # argc
        cmp     r12, 3                  # mark, path, program's argv[0]: fewer is no call of ours
        jb      refuse
        mov     rbx, [rsp + 8]          # argv[0]
        cmp     byte ptr [rbx], 1       # the mark; '/' when a script names us as its interpreter
        jne     refuse
        movzx   ebx, byte ptr [rbx + 1] # the error channel
        cmp     ebx, 3                  # never standard input, output or error
        jb      refuse

        mov     edi, ebx                # fcntl(channel, F_SETFD, FD_CLOEXEC)
        mov     esi, 2
        mov     edx, 1
        mov     eax, 72
        syscall
        test    eax, eax
        js      failed

        mov     rdi, [rsp + 16]         # execve(argv[1], argv + 2, envp)
        lea     rsi, [rsp + 24]
        lea     rdx, [rsp + r12*8 + 16]
        mov     eax, 59
        syscall

failed: neg     eax                     # eax was -errno
        mov     r12d, eax
        or      eax, 0x80000000
        mov     [rsp], eax              # argc is no longer needed: its place holds the report
        mov     edi, ebx                # write(channel, report, 4)
        mov     rsi, rsp
        mov     edx, 4
        mov     eax, 1
        syscall
        mov     edi, 127                # not found
        cmp     r12d, 2                 # ENOENT
        je      leave
refuse: mov     edi, 126                # cannot be executed
leave:  mov     eax, 231                # exit_group(status)
        syscall
        ud2                             # only if a filter refuses even that
