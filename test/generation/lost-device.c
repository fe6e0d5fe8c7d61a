/*
 * A Vulkan driver that passes everything on to the driver of LOST_DRIVER, and loses its device as soon as the file
 * LOST_FILE exists: from then on nothing that is submitted is done.
 */
#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef void (*Function)(void);
typedef Function (*Lookup)(void *, const char *);

static const int DEVICE_LOST = -4;
static Lookup device_lookup;
static int (*submit)(void *, uint32_t, const void *, void *);

static void *symbol(const char *name) {
  static void *driver;
  if (driver == NULL) driver = dlopen(getenv("LOST_DRIVER"), RTLD_NOW | RTLD_LOCAL);
  return driver == NULL ? NULL : dlsym(driver, name);
}

static int submit_unless_lost(void *queue, uint32_t count, const void *submits, void *fence) {
  return access(getenv("LOST_FILE"), F_OK) == 0 ? DEVICE_LOST : submit(queue, count, submits, fence);
}

static Function device_function(void *device, const char *name) {
  Function found = device_lookup(device, name);
  if (found == NULL || strcmp(name, "vkQueueSubmit") != 0) return found;
  submit = (int (*)(void *, uint32_t, const void *, void *))found;
  return (Function)submit_unless_lost;
}

Function vk_icdGetInstanceProcAddr(void *instance, const char *name) {
  Lookup lookup = (Lookup)symbol("vk_icdGetInstanceProcAddr");
  Function found = lookup == NULL ? NULL : lookup(instance, name);
  if (found == NULL || strcmp(name, "vkGetDeviceProcAddr") != 0) return found;
  device_lookup = (Lookup)found;
  return (Function)device_function;
}

Function vk_icdGetPhysicalDeviceProcAddr(void *instance, const char *name) {
  Lookup lookup = (Lookup)symbol("vk_icdGetPhysicalDeviceProcAddr");
  return lookup == NULL ? NULL : lookup(instance, name);
}

int vk_icdNegotiateLoaderICDInterfaceVersion(uint32_t *version) {
  int (*negotiate)(uint32_t *) = (int (*)(uint32_t *))symbol("vk_icdNegotiateLoaderICDInterfaceVersion");
  return negotiate == NULL ? DEVICE_LOST : negotiate(version);
}
