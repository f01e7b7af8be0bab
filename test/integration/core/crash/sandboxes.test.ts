import { describeCrashes } from '../../../helpers/core/crash/describe-crashes.ts';
import { sandboxScenarios } from '../../../helpers/core/crash/sandbox-scenarios.ts';

describeCrashes(sandboxScenarios);
